"""How weights are laid out and what is done about channels that never change."""

from __future__ import annotations

import numpy as np
import pytest

from export.c.convolutions import Weights, pack_pairs, padded_depth
from export.c.graph import read_graph
from export.c.layer import Unsupported
from export.c.layers import build_layers


def test_two_channels_take_turns_of_four_bytes_in_the_order_of_the_dsp_instructions():
    weights = np.array([[1, 2, 3, 4, 5, 6, 7, 8], [11, 12, 13, 14, 15, 16, 17, 18]], np.int8)
    expected = [1, 3, 2, 4, 11, 13, 12, 14, 5, 7, 6, 8, 15, 17, 16, 18]
    assert pack_pairs(weights).tolist() == expected


def test_an_odd_channel_and_a_short_depth_are_filled_with_zeros():
    packed = pack_pairs(np.ones((3, 5), np.int8))
    assert packed.size == 4 * padded_depth(5) == 32 and packed.sum() == 15


def test_sums_are_bounded_before_anything_is_written():
    weights = Weights(np.full((1, 4), 127, np.int8), np.array([5]), np.array([2**30]), np.array([3], np.int8))
    assert weights.largest_sum == 4 * 127 * 255 + 5
    weights.bias = np.array([2**31 - 1])
    with pytest.raises(Unsupported, match="overflow"):
        _ = weights.largest_sum


def _convolution(net, bias: np.ndarray):
    from ai_edge_litert import schema_py_generated as schema

    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    options.padding, options.fusedActivationFunction = 0, 1
    x = net.tensor(1, 1, 8, 8, scale=0.1, zero=-128)
    w = net.constant(net.rng.integers(-9, 9, (2, 1, 1, 8)).astype(np.int8), [1e-3, 1e-9])
    net.operator("CONV_2D", [x, w, net.constant(bias, [1e-4])], 1, 1, 8, 2, options=options, scale=0.1,
                 zero=-128)  # fmt: skip


def test_a_channel_that_never_changes_costs_the_others_nothing(net, tmp_path, agrees):
    _convolution(net, np.array([100, 2_000_000_000], np.int32))  # as training leaves a dead channel
    path = net.write(tmp_path / "dead.tflite")
    layer = build_layers(read_graph(path))[0]
    assert layer.is_plain and layer.largest_sum < 2**20
    assert np.count_nonzero(layer.arrays["weights"]) <= 8
    assert agrees(path, tmp_path / "c")
    assert "smmulr" in (tmp_path / "c" / "student.c").read_text()


def test_a_large_bias_that_matters_takes_the_slow_way(net, tmp_path, agrees):
    _convolution(net, np.array([1_100_000_000, 0], np.int32))
    net.tensors[1] = (*net.tensors[1][:3], [1e-9, 1e-3], 0, 0)
    weights = np.full((2, 1, 1, 8), 127, np.int8)
    net.tensors[1] = (weights.shape, "int8", weights.tobytes(), [3e-9, 1e-3], 0, 0)
    path = net.write(tmp_path / "large.tflite")
    assert agrees(path, tmp_path / "c")
