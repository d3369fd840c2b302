"""Golden vectors: which, how many, and that they are LiteRT's."""

from __future__ import annotations

import numpy as np
import pytest

from export.c.golden import LIMIT_BYTES, golden_vectors, quantise
from export.c.graph import read_graph
from firmware_sim.runtimes import RUNTIMES


@pytest.fixture(scope="module")
def graph(conv_export):
    return read_graph(conv_export.folder / "student.int8.tflite")


def test_windows_and_extremes_are_kept_and_run_by_the_reference_kernels(graph, small_run, tmp_path):
    windows = small_run(tmp_path, None).clips("test", "acc").arrays["acc"]
    golden = golden_vectors(graph, windows)
    assert len(golden.inputs) == 13 and golden.named.count("all lowest") == 1
    last = golden.named.index(f"test window {len(windows) - 1}")
    assert np.array_equal(golden.inputs[last], quantise(graph, windows[-1]))
    scores = RUNTIMES["litert-ref"](graph.model.path, windows[-1:])[0]
    assert np.allclose((golden.scores[last].astype(int) + 128) / 256, scores)
    assert golden.logits.shape == golden.scores.shape and not np.array_equal(golden.logits, golden.scores)


def test_without_windows_the_noise_is_always_the_same(graph):
    first, second = golden_vectors(graph), golden_vectors(graph)
    assert np.array_equal(first.inputs, second.inputs) and "noise 0" in first.named


def test_large_inputs_get_few_vectors_of_both_kinds(data_set):
    graph = read_graph(data_set("mlperf_tiny") / "models" / "vww_96_int8.tflite")
    golden = golden_vectors(graph)
    assert golden.named == ("all lowest", "noise 0") and golden.inputs.nbytes <= LIMIT_BYTES
