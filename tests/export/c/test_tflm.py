"""model.h and resolver.h, and the arena that they promise."""

from __future__ import annotations

import re

import numpy as np
import pytest

from export.c.golden import golden_vectors
from export.c.graph import read_graph
from export.c.layers import LAYERS
from export.c.tflm import METHODS, run_in, write_tflm
from firmware_sim.runtimes.tflm import TflmSession

pytest.importorskip("tflite_micro", reason="TFLite-Micro has wheels for Linux only")


@pytest.fixture(scope="module")
def graph(conv_export):
    return read_graph(conv_export.folder / "student.int8.tflite")


@pytest.fixture(scope="module")
def golden(graph):
    return golden_vectors(graph)


def test_model_h_holds_the_file_and_an_arena_that_was_tried(graph, golden, tmp_path):
    report = write_tflm(graph, tmp_path, golden.inputs, golden.scores)
    text = (tmp_path / "model.h").read_text()
    body = text[text.index("= {") + 3 : text.rindex("};")]
    assert bytes(int(number) for number in re.findall(r"\d+", body)) == graph.model.path.read_bytes()
    assert f"#define STUDENT_MODEL_ARENA_BYTES {report.arena_bytes}\n" in text
    assert text.count("alignas(16)") == 2  # in the example and in the declaration
    assert report.measured_bytes == TflmSession(graph.model.path).arena()["total"]
    assert report.arena_bytes >= report.measured_bytes + report.margin_bytes and report.arena_bytes % 16 == 0
    assert report.passed


def test_the_interpreter_runs_in_exactly_that_arena(graph, golden, tmp_path):
    report = write_tflm(graph, tmp_path, golden.inputs, golden.scores)
    found = run_in(graph, golden.inputs, report.arena_bytes)
    difference = np.abs(found.astype(int) - golden.scores).max()
    assert difference == report.largest_difference <= report.allowed_difference


def test_the_resolver_registers_what_the_file_uses(graph, golden, tmp_path):
    write_tflm(graph, tmp_path, golden.inputs, golden.scores)
    text = (tmp_path / "resolver.h").read_text()
    names = {operator.name for operator in graph.model.operators}
    assert set(re.findall(r"resolver\.(\w+)\(\)", text)) == {METHODS[name] for name in names}
    assert f"MicroMutableOpResolver<{len(names)}>" in text


def test_every_operator_that_c_knows_has_a_method():
    assert set(METHODS) == set(LAYERS)
