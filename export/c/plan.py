"""Where each tensor and scratch buffer of the C student lies in its one arena."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from export.c.graph import Graph
from export.c.layer import Layer
from firmware_sim.arena import Buffer, activation_bytes, place


@dataclass(frozen=True)
class Plan:
    """offsets: first byte of a tensor, by its index. scratch: likewise of a layer's, by the operator's."""

    arena_bytes: int
    offsets: dict[int, int]
    scratch: dict[int, int]


def plan_arena(graph: Graph, layers: Sequence[Layer]) -> Plan:
    """Places what is alive together side by side, as TFLite-Micro's planner does.

    A tensor that only renames another shares its place. The logits are left as they were when the network
    is done, so that they can be looked at.
    """
    homes = _homes(graph, layers)
    lives: dict[int, list[int]] = {}

    def touch(tensor: int, moment: int) -> None:
        if not graph.model.tensors[tensor].constant:
            life = lives.setdefault(homes.get(tensor, tensor), [moment, moment])
            life[:] = min(life[0], moment), max(life[1], moment)

    touch(graph.input.index, 0)
    for moment, layer in enumerate(layers, start=1):
        for tensor in (*layer.inputs, *layer.operator.outputs):
            touch(tensor, moment)
    for tensor in (graph.output.index, graph.logits.index):
        touch(tensor, len(layers))
    return _placed(graph, layers, homes, lives)


def _homes(graph: Graph, layers: Sequence[Layer]) -> dict[int, int]:
    """The tensor whose place each tensor has that is another one renamed."""
    homes: dict[int, int] = {}
    for layer in layers:
        if layer.moves_nothing:
            source = layer.inputs[0]
            homes[layer.operator.outputs[0]] = homes.get(source, source)
    return homes


def _placed(
    graph: Graph, layers: Sequence[Layer], homes: dict[int, int], lives: dict[int, list[int]]
) -> Plan:
    tensors = [Buffer(str(t), graph.model.tensors[t].bytes, *lives[t]) for t in sorted(lives)]
    working = [(moment, layer) for moment, layer in enumerate(layers, start=1) if layer.scratch_bytes]
    scratch = [Buffer("scratch", layer.scratch_bytes, moment, moment) for moment, layer in working]
    placed = place(tensors + scratch)
    offsets = {tensor: place.offset for tensor, place in zip(sorted(lives), placed, strict=False)}
    return Plan(
        arena_bytes=activation_bytes(placed),
        offsets=offsets | {name: offsets[home] for name, home in homes.items()},
        scratch={
            layer.operator.index: place.offset
            for (_, layer), place in zip(working, placed[len(tensors) :], strict=True)
        },
    )
