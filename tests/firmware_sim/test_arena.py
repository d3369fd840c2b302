"""The planner's properties, and TFLite-Micro's own interpreter as the referee."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_sim.arena import (
    ALIGNMENT,
    Buffer,
    activation_bytes,
    align,
    find_lifetimes,
    merge_in_place,
    place,
    plan_activations,
)
from firmware_sim.errors import SimError
from firmware_sim.model import read_model

Arena = Callable[[Path], dict[str, int]]

buffers = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(0, 12), st.integers(0, 12)).map(
        lambda b: Buffer("x", b[0], min(b[1:]), max(b[1:]))
    ),
    max_size=25,
)


@given(buffers)
def test_no_two_that_live_together_overlap(wanted: list[Buffer]) -> None:
    plan = place(wanted)
    for i, one in enumerate(plan):
        assert one.offset % ALIGNMENT == 0
        assert one.buffer.bytes == align(wanted[i].bytes)
        for other in plan[:i]:
            together = one.buffer.first <= other.buffer.last and other.buffer.first <= one.buffer.last
            assert not together or one.end <= other.offset or other.end <= one.offset


@given(buffers)
def test_the_plan_is_between_the_peak_and_the_sum(wanted: list[Buffer]) -> None:
    needed = activation_bytes(place(wanted))
    alive = [sum(align(b.bytes) for b in wanted if b.first <= moment <= b.last) for moment in range(13)]
    assert max(alive) <= needed <= sum(align(b.bytes) for b in wanted)


def test_the_largest_lies_lowest_and_gaps_are_filled() -> None:
    wanted = [Buffer("a", 32, 0, 1), Buffer("b", 64, 1, 2), Buffer("c", 16, 2, 3), Buffer("d", 16, 0, 0)]
    assert [placed.offset for placed in place(wanted)] == [64, 0, 64, 0]


def test_of_equal_buffers_the_last_is_placed_first() -> None:
    assert [placed.offset for placed in place([Buffer("a", 16, 0, 1), Buffer("b", 16, 0, 1)])] == [16, 0]


def test_inputs_live_from_the_start_and_outputs_to_the_end(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x, late = graph.tensor(1, 4), graph.tensor(1, 4)
    early = graph.operator("RELU", [x], 1, 4)
    middle = graph.operator("RELU", [early], 1, 4)
    end = graph.operator("ADD", [middle, late], 1, 4)
    model = read_model(graph.write(tmp_path / "m.tflite", [x, late], [early, end]))
    lives = [(buffer.first, buffer.last) for buffer in find_lifetimes(model)]
    assert lives == [(0, 1), (0, 3), (1, 3), (2, 3), (3, 3)]


def _elementwise(sketch, path: Path, reused: bool):
    """x -> dense a -> relu b -> dense c; with `reused`, a is read once more at the end."""
    graph = sketch()
    x = graph.tensor(1, 8)
    a = graph.operator("FULLY_CONNECTED", [x, graph.weights(100, 8), -1], 1, 100)
    b = graph.operator("RELU", [a], 1, 100)
    c = graph.operator("FULLY_CONNECTED", [b, graph.weights(100, 100), -1], 1, 100)
    if reused:
        c = graph.operator("ADD", [c, a], 1, 100)
    return read_model(graph.write(path, [x], [c]))


def test_in_place_an_operator_writes_over_what_nobody_else_reads(sketch, tmp_path: Path) -> None:
    model = _elementwise(sketch, tmp_path / "m.tflite", reused=False)
    apart = plan_activations(model)
    merged = plan_activations(model, alignment=64, in_place=True)
    assert len(merged) == len(apart) - 1
    assert all(placed.offset % 64 == 0 and placed.buffer.bytes % 64 == 0 for placed in merged)
    both = next(placed.buffer for placed in merged if "," in placed.buffer.owner)
    assert (both.first, both.last) == (1, 3)  # made by operator 0, read by operator 2


def test_what_is_read_later_is_not_written_over(sketch, tmp_path: Path) -> None:
    model = _elementwise(sketch, tmp_path / "m.tflite", reused=True)
    merged = merge_in_place(model, find_lifetimes(model))
    relu = [buffer for buffer in merged if buffer.owner == "t3"]
    assert len(relu) == 1  # the output of RELU keeps a place of its own


@given(buffers, st.sampled_from([16, 64]))
def test_alignment_holds_for_every_place(wanted: list[Buffer], alignment: int) -> None:
    assert all(placed.offset % alignment == 0 for placed in place(wanted, alignment))


@pytest.fixture(scope="module")
def referee() -> Arena:
    """The arena that TFLite-Micro's interpreter reports: total, head and tail in bytes."""
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel (Linux only) is not installed")
    from firmware_sim.runtimes.tflm import TflmSession

    return lambda path: TflmSession(path).arena()


def _planned(path: Path) -> int:
    return activation_bytes(plan_activations(read_model(path)))


def test_published_models_to_the_byte(data_set, referee: Arena) -> None:
    refused = []
    for path in sorted((data_set("mlperf_tiny") / "models").glob("*.tflite")):
        try:
            assert _planned(path) == referee(path)["head"], path.name
        except SimError:
            refused.append(path.name)
    assert refused == ["kws_ref_model_float32.tflite"]  # int8 weights with float activations


@st.composite
def _graphs(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """Steps (operator, first source, second source, width factor) of a random graph without loops."""
    steps = st.tuples(
        st.sampled_from(["RELU", "ADD", "CONCATENATION", "RESHAPE", "MEAN", "REDUCE_MAX", "CONV_2D"]),
        st.integers(0, 100), st.integers(0, 100), st.integers(1, 5),
    )  # fmt: skip
    return draw(st.lists(steps, min_size=1, max_size=14))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_graphs(), st.sampled_from(["float32", "int8"]), st.data())
def test_random_graphs_to_the_byte(
    sketch, tmp_path: Path, referee: Arena, steps: list, dtype: str, data: st.DataObject
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    graph = sketch(dtype)
    x = graph.tensor(1, 4, 6, 8)
    made = [x]
    for name, first, second, factor in steps:
        source = made[first % len(made)]
        shape = graph.shape(source)
        made.append(
            _add(graph, schema, name, source, [i for i in made if graph.shape(i) == shape], second, factor)
        )
    kept = data.draw(st.sets(st.sampled_from(made[1:]), min_size=1))
    path = graph.write(tmp_path / "m.tflite", [x], sorted(kept))
    assert _planned(path) == referee(path)["head"]


def _add(graph, schema, name: str, source: int, alike: list[int], second: int, factor: int) -> int:
    shape = graph.shape(source)
    other = alike[second % len(alike)]
    if name == "ADD":
        return graph.operator(name, [source, other], *shape, options=schema.AddOptionsT())
    if name == "CONCATENATION":
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        return graph.operator(name, [source, other], *shape[:3], 2 * shape[3], options=options)
    if name == "RESHAPE":
        rows = shape[1] * shape[2]
        target = (1, rows, 1, shape[3])
        return graph.operator(
            name, [source, graph.numbers(*target)], *target, options=schema.ReshapeOptionsT()
        )
    if name in ("MEAN", "REDUCE_MAX"):
        options = schema.ReducerOptionsT()
        options.keepDims = True
        return graph.operator(name, [source, graph.numbers(1, 2)], 1, 1, 1, shape[3], options=options)
    if name == "CONV_2D":
        options = schema.Conv2DOptionsT()
        options.strideW = options.strideH = 1
        weights = graph.weights(4 * factor, 1, 1, shape[3])
        return graph.operator(name, [source, weights], *shape[:3], 4 * factor, options=options)
    return graph.operator(name, [source], *shape)
