"""Each refusal is what the converters of this version really do with such a network."""

import pytest
import torch
from torch import nn

from edgehar.models.output import Output
from export.convert import to_onnx, to_tflite
from export.errors import ExportError
from export.quiet import quiet
from export.refusals import refusal


class Network(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.work = work

    def forward(self, x):
        logits = self.work(x)
        return Output(logits, logits, {})


def branch(x):
    return x.mean(1) if x.sum() > 0 else x.amax(1)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (lambda x: x.median(1).values, "uses median; use the mean, or amax and amin"),
        (lambda x: torch.fft.rfft(x, dim=1).abs().mean(1), "uses _fft_r2c; use a convolution"),
        (lambda x: x.sort(1).values[:, 0], "needs STABLEHLO_SORT, which LiteRT has not; use max pooling"),
        (branch, r"decides by the values in a tensor .* use torch\.where"),
    ],
)
def test_what_cannot_become_tflite_is_named_with_what_to_use(work, said):
    with quiet(), pytest.raises(ExportError, match=rf"^The network cannot become \.tflite: .*{said}"):
        to_tflite(Network(work), 16)


@pytest.mark.parametrize(
    ("work", "said"), [(lambda x: x.median(1).values, "uses median; use the mean"), (branch, "decides")]
)
def test_what_cannot_become_onnx_is_named_with_what_to_use(work, said):
    with quiet(), pytest.raises(ExportError, match=rf"^The network cannot become \.onnx: .*{said}"):
        to_onnx(Network(work), 16)


def test_what_is_not_known_is_told_as_it_was_said():
    told = str(refusal(RuntimeError("the moon\nis full"), "onnx"))
    assert "RuntimeError: the moon is full" in told and "\n" not in told


def test_the_operator_is_found_below_other_errors():
    try:
        try:
            raise RuntimeError("target=torch.ops.aten.kthvalue.default](args")
        except RuntimeError as inner:
            raise ValueError("conversion failed") from inner
    except ValueError as error:
        assert "uses kthvalue; use amax and amin" in str(refusal(error, "tflite"))
