"""The arena: nobody who is needed is overwritten, and what is renamed is not copied."""

from __future__ import annotations

import numpy as np

from export.c.graph import read_graph
from export.c.layers import build_layers
from export.c.plan import plan_arena


def test_nothing_alive_shares_a_byte(conv_export):
    graph = read_graph(conv_export.folder / "student.int8.tflite")
    layers = build_layers(graph)
    plan = plan_arena(graph, layers)
    for place, layer in enumerate(layers):
        if layer.moves_nothing:
            continue
        later = {i for after in layers[place + 1 :] for i in after.inputs}
        alive = {*layer.inputs, *layer.operator.outputs}
        alive |= {i for before in layers[:place] for i in before.operator.outputs if i in later} | (
            {graph.logits.index} if graph.logits.index in _made(layers[: place + 1]) else set()
        )
        taken = np.zeros(plan.arena_bytes, int)
        homes = {plan.offsets[i]: graph.model.tensors[i].bytes for i in alive}
        for offset, size in homes.items():
            taken[offset : offset + size] += 1
        if layer.scratch_bytes:
            begin = plan.scratch[layer.operator.index]
            assert begin % 4 == 0
            taken[begin : begin + layer.scratch_bytes] += 1
        assert taken.max() == 1, layer.operator


def _made(layers) -> set[int]:
    return {i for layer in layers for i in layer.operator.outputs}


def test_a_renamed_tensor_has_its_source_s_place(conv_export):
    graph = read_graph(conv_export.folder / "student.int8.tflite")
    layers = build_layers(graph)
    plan = plan_arena(graph, layers)
    renaming = [layer for layer in layers if layer.moves_nothing]
    assert renaming
    for layer in renaming:
        assert plan.offsets[layer.inputs[0]] == plan.offsets[layer.operator.outputs[0]]
