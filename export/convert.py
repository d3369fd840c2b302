"""A student as float `.tflite` (by litert-torch) and float `.onnx` (by torch's own exporter).

Both take raw acceleration and give probabilities. Batch norms are folded into the convolutions before
them; one that stands alone (at the input) becomes a convolution of its own.
"""

from __future__ import annotations

import copy
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from export.contract import INPUT_NAME, OUTPUT_NAME, InputContract
from export.refusals import refuse_left_over, refused

if TYPE_CHECKING:
    import onnx

_SCOPES_KEY = "pkg.torch.onnx.name_scopes"
_FUSED_TOLERANCE = 1e-4  # of the logits: far above rounding, far below a wrongly fused layer


class Scores(nn.Module):
    """A student with a softmax behind it: `acc` (N, T, 3) in m/s^2 -> {`scores`: (N, classes)}."""

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student

    def forward(self, acc: Tensor) -> dict[str, Tensor]:
        return {OUTPUT_NAME: torch.softmax(self.student(acc).logits, dim=-1)}


@dataclass(frozen=True)
class OnnxStudent:
    """A float ONNX model and, for each of its nodes by name, the torch modules that the node lies in."""

    model: onnx.ModelProto
    scopes: Mapping[str, tuple[str, ...]]


def to_tflite(student: nn.Module, window: int, channels: int = 3) -> bytes:
    """The student as a float `.tflite` for one window (1, window, channels); equal bytes each time.

    The tensors carry the converter's names; `export.tflite_file.with_contract` gives them ours.
    """
    import litert_torch

    model = Scores(without_norms(student, window, channels)).eval()
    sample = {INPUT_NAME: torch.zeros(1, window, channels)}
    with refused("tflite"):
        content = litert_torch.convert(model, sample_kwargs=sample).model_content()
    refuse_left_over(content)
    return content


def to_onnx(student: nn.Module, window: int, channels: int = 3) -> OnnxStudent:
    """The student as a float ONNX model for one window (1, window, channels).

    What torch notes beside each node (source lines, paths of this machine) is taken out.
    """
    with refused("onnx"):
        program = torch.onnx.export(
            Scores(without_norms(student, window, channels)).eval(),
            (torch.zeros(1, window, channels),),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None  # None only where a file name was given
    model = program.model_proto
    scopes = {node.name: _scopes(node) for node in model.graph.node}
    _strip_notes(model)
    return OnnxStudent(model, scopes)


def with_onnx_contract(model: onnx.ModelProto, contract: InputContract) -> bytes:
    """The model's bytes, as few as they can be, with the contract inside, and its ends named by it."""
    from export.onnx_metadata import describe_model
    from export.onnx_shrink import shrink_onnx

    told = type(model)()
    told.CopyFrom(model)
    shrink_onnx(told)
    describe_model(told, contract)
    return told.SerializeToString(deterministic=True)


def _scopes(node: onnx.NodeProto) -> tuple[str, ...]:
    """Module paths inside the student, outermost first: ("gaf",), ("net", "net.bn1"), ..."""
    noted = {entry.key: entry.value for entry in node.metadata_props}.get(_SCOPES_KEY, "[]")
    inside = [scope.removeprefix("student.") for scope in literal_eval(noted) if scope.startswith("student.")]
    return tuple(inside)


def _strip_notes(model: onnx.ModelProto) -> None:
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:]
    for holder in (graph.node, graph.initializer, graph.value_info, graph.input, graph.output):
        for item in holder:
            del item.metadata_props[:]
            item.doc_string = ""


def without_norms(student: nn.Module, window: int, channels: int = 3) -> nn.Module:
    """A copy in evaluation mode without 2-D batch norms: those behind convolutions are folded into them.

    Pairs are found by running one window and seeing whose output goes into which norm, so any control
    flow is allowed. Where the copy then differs (a convolution used twice), a plain copy is returned.
    """
    plain = copy.deepcopy(student).eval()
    fused = copy.deepcopy(plain)
    example = torch.randn(2, window, channels, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for convolution, norm in _conv_norm_pairs(fused, example):
            pair = fused.get_submodule(convolution), fused.get_submodule(norm)
            merged = fuse_conv_bn_eval(cast(nn.Conv2d, pair[0]), cast(nn.BatchNorm2d, pair[1]))
            _replace(fused, convolution, merged)
            _replace(fused, norm, nn.Identity())
        for name, module in list(fused.named_modules()):
            if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
                _replace(fused, name, as_convolution(module))
        expected, found = plain(example).logits, fused(example).logits
    same = torch.allclose(expected, found, rtol=_FUSED_TOLERANCE, atol=_FUSED_TOLERANCE)
    return fused if same else plain


def as_convolution(norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A batch norm in evaluation mode as a depthwise 1 x 1 convolution: the same numbers for (N, C, H, W).

    Left as it is, a norm at the input becomes two operators, each rounded in int8, between two TRANSPOSE,
    and keeps the converter from folding the padding into the first convolution.
    """
    channels = norm.num_features
    identity = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    nn.init.ones_(identity.weight)
    return fuse_conv_bn_eval(identity.eval(), norm)


def _conv_norm_pairs(model: nn.Module, example: Tensor) -> list[tuple[str, str]]:
    """Names of convolutions and of the batch norms that take their output in a run on `example`."""
    made_by: dict[int, str] = {}
    alive: list[Tensor] = []  # keeps ids unique while the run lasts
    pairs: dict[str, str] = {}

    def note(name: str, module: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> None:
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            made_by[id(given)] = name
            alive.append(given)
        elif id(taken[0]) in made_by:
            pairs[made_by[id(taken[0])]] = name

    kinds = (nn.Conv1d, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d)
    hooks = [
        module.register_forward_hook(lambda m, i, o, name=name: note(name, m, i, o))
        for name, module in model.named_modules()
        if isinstance(module, kinds)
    ]
    try:
        model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return list(pairs.items())


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, module)
