import copy

import numpy as np
import pytest
import torch
from torch import nn

from edgehar.models.output import Output
from export.contract import read_contract
from export.convert import as_convolution, to_tflite, without_norms
from export.parity import student_scores
from export.quiet import quiet
from export.tflite_file import with_contract
from firmware_sim.model import read_model
from firmware_sim.runtimes import RUNTIMES

WINDOW = 64


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
@pytest.mark.parametrize("name", ["conv", "picture"])
def test_float_files_say_what_torch_says(kind, name, small_run, request):
    student = request.getfixturevalue(f"{name}_student")
    report = request.getfixturevalue(f"{name}_export")
    windows = small_run(report.folder, student).clips("test", "acc").arrays["acc"]
    runtime = {"tflite": "litert", "onnx": "onnxruntime"}[kind]
    with quiet():
        scores = RUNTIMES[runtime](report.folder / f"student.{kind}", windows)
    assert np.abs(scores - student_scores(student, windows)).max() <= 1e-4
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_the_same_student_gives_the_same_bytes(picture_student, picture_export):
    """All four files of the other student: test_artifacts.py."""
    path = picture_export.folder / "student.tflite"
    with quiet():
        again = to_tflite(copy.deepcopy(picture_student), WINDOW)
    assert with_contract(again, read_contract(path)) == path.read_bytes()


def test_a_student_is_one_chain_of_convolutions_in_tflite(conv_export):
    model = read_model(conv_export.folder / "student.tflite")
    kinds = [operator.name for operator in model.operators]
    convolutions = 3 * ["DEPTHWISE_CONV_2D", "CONV_2D"]  # the first one normalises the input
    assert kinds == ["RESHAPE", *convolutions, "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]


def test_no_source_line_of_this_machine_is_left_in_onnx(conv_export):
    content = (conv_export.folder / "student.onnx").read_bytes()
    assert b".py" not in content
    assert __file__.rpartition("/tests/")[0].encode() not in content


def test_onnx_nodes_know_their_modules(picture_onnx):
    inside = [scopes[0] for scopes in picture_onnx.scopes.values() if scopes]
    assert set(inside) == {"gaf", "net"}


def norms(model):
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def test_norms_are_folded_or_written_out_and_the_student_stays(conv_student):
    before = copy.deepcopy(conv_student.state_dict())
    plain = without_norms(conv_student, WINDOW)
    assert len(norms(conv_student)) == 6 and norms(plain) == []
    assert isinstance(plain.normalise, nn.Conv2d)
    example = torch.randn(4, WINDOW, 3) * 5
    with torch.no_grad():
        torch.testing.assert_close(plain(example).logits, conv_student(example).logits, rtol=1e-4, atol=1e-4)
    for name, value in conv_student.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("affine", [True, False])
def test_a_norm_is_a_depthwise_convolution(affine):
    norm = nn.BatchNorm2d(3, affine=affine)
    for _ in range(20):
        norm(torch.randn(8, 3, 2, 5) * 3 + 1)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = torch.randn(4, 3, 2, 5)
    torch.testing.assert_close(as_convolution(norm.eval())(x), norm(x))


class Shared(nn.Module):
    """One convolution with two norms behind it: folding either would change the other path."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.bn1, self.bn2 = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
        nn.init.constant_(self.bn2.weight, 5)

    def forward(self, acc):
        x = acc.unsqueeze(1)
        x = self.bn1(self.conv(x)) + self.bn2(self.conv(x))
        return Output(x.mean((2, 3)), x.mean((2, 3)))


def test_a_convolution_with_two_norms_is_left_alone():
    assert len(norms(without_norms(Shared(), WINDOW))) == 2
