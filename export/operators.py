"""The operators of a student's float `.tflite`, named after the modules that they come from.

The converter writes into each tensor's name the path of classes and attributes that made it; several,
divided by `;;`, where it merged a padding, a convolution and a ReLU into one operator.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import ExportError
from export.tflite_file import own_location
from firmware_sim.model import Model, read_model

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class NamedOperator:
    """name: the module that it comes from (`blocks.0.3`), or its type in small letters outside of any;
    unique by `#2`. type: as in the file. output: its tensor's name there. inputs: those of activations.
    modules: paths of all modules that were merged into it.
    """

    name: str
    type: str
    output: str
    inputs: tuple[str, ...]
    modules: tuple[str, ...]

    def is_called(self, wanted: str) -> bool:
        """Whether a user means it by `wanted`: its name, its type, or a module that it lies in."""
        paths = (self.name, *self.modules)
        return wanted == self.type or any(f"{path}.".startswith(f"{wanted}.") for path in paths)


def name_operators(model: bytes, student: nn.Module) -> tuple[NamedOperator, ...]:
    """The operators of a float `.tflite`, as the converter gave it, in order."""
    graph = as_graph(model)
    known = [path for path, _ in student.named_modules() if path]
    taken: Counter[str] = Counter()
    named = []
    for operator in graph.operators:
        output = graph.outputs_of(operator)[0].name
        modules = tuple(path for place in output.split(";;") if (path := _module(place, known)))
        name = _module(own_location(output), known) or operator.name.lower()
        taken[name] += 1
        named.append(
            NamedOperator(
                name=name if taken[name] == 1 else f"{name}#{taken[name]}",
                type=operator.name,
                output=output,
                inputs=tuple(tensor.name for tensor in graph.inputs_of(operator) if not tensor.constant),
                modules=modules,
            )
        )
    return tuple(named)


def find_operators(named: Sequence[NamedOperator], wanted: Iterable[str]) -> list[NamedOperator]:
    """The operators that a user's names mean, in order.

    Raises ExportError for a name that means none, with the nearest that does.
    """
    wanted = tuple(wanted)
    for word in wanted:
        if not any(operator.is_called(word) for operator in named):
            words = [word for operator in named for word in (operator.name, operator.type)]
            near = get_close_matches(word, words, 1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ExportError(
                f"No operator is called {word!r}.{hint} All names: edgehar export --int8 --all-operators"
            )
    return [operator for operator in named if any(operator.is_called(word) for word in wanted)]


def as_graph(model: bytes) -> Model:
    """A `.tflite` in memory as records."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        return read_model(path)


def float_tensors(model: bytes, student: nn.Module, parts: Sequence[str]) -> list[str]:
    """Output tensors of the operators that belong to, or lie before, the submodules `parts`."""
    if not parts:
        return []
    steps = re.compile("|".join(rf"\b{re.escape(_step(student, part))}(?![\w.])" for part in parts))
    graph = as_graph(model)
    makers = [(graph.outputs_of(op)[0].name, [t.name for t in graph.inputs_of(op)]) for op in graph.operators]
    inside = [name for name, _ in makers if steps.search(own_location(name))]
    return with_ancestors(makers, inside)


def with_ancestors(makers: Sequence[tuple[str, Iterable[str]]], wanted: Iterable[str]) -> list[str]:
    """From (what an operator makes, what it takes) in order: `wanted` and all that they are made from."""
    needed = set(wanted)
    for made, taken in reversed(makers):
        if made in needed:
            needed.update(taken)
    return [made for made, _ in makers if made in needed]


def _step(student: nn.Module, part: str) -> str:
    kind: Any = type(student.get_submodule(part))
    return f"{kind.__module__}.{kind.__qualname__}_{part.rpartition('.')[2]}"


def _module(place: str, known: Sequence[str]) -> str | None:
    """The module path that a converter's place ends in, of those known; None outside of any.

    Containers that are never called (a ModuleList) are missing from the place, so its steps are looked for
    in order, the shortest path first.
    """
    path = place.partition(";")[0]
    steps = [step.rpartition(".")[2].partition("_")[2] for step in path.split("/")][2:]
    if not steps:
        return None
    for candidate in sorted(known, key=lambda module: (module.count("."), module)):
        attributes = candidate.split(".")
        if attributes[-1] == steps[-1] and _in_order(steps, attributes):
            return candidate
    return None


def _in_order(steps: Sequence[str], attributes: Sequence[str]) -> bool:
    left = iter(attributes)
    return all(step in left for step in steps)
