import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from export.convert import without_norms
from export.qat import Recipe, Rounding, _round, _round_weights, fine_tune


def test_rounding_keeps_zero_and_its_range_and_lets_the_gradient_pass():
    values = torch.linspace(-3, 5, 81, requires_grad=True)
    rounded = _round(values, -2.0, 4.0)
    rounded.sum().backward()
    assert 0.0 in rounded.tolist()
    assert len(rounded.unique()) <= 256
    assert (rounded - values).abs()[(values > -2) & (values < 4)].max() <= 6 / 255
    assert rounded.min() >= -2 - 6 / 255 and rounded.max() <= 4 + 6 / 255
    assert values.grad[(values > -1.9) & (values < 3.9)].eq(1).all()
    assert values.grad[values > 4.1].eq(0).all()


def test_weights_are_rounded_channel_by_channel():
    weights = torch.tensor([[1.0, 0.5, -0.013], [100.0, 50.0, -1.3]])
    expected = torch.stack(
        [(row / (row.abs().max() / 127)).round() * row.abs().max() / 127 for row in weights]
    )
    torch.testing.assert_close(_round_weights(weights), expected)


def test_nothing_is_rounded_outside_of_the_mode(conv_student, train_windows):
    network = without_norms(conv_student, 64)
    values = torch.from_numpy(train_windows[:8])
    rounding = Rounding(network)
    before = network(values).logits
    with rounding.attached():
        rounding.measure(values)
        outside = network(values).logits
        with rounding:
            inside = network(values).logits
    assert torch.equal(before, outside) and not torch.equal(before, inside)
    assert (inside - before).abs().max() < 0.2 * before.abs().max()


def test_what_the_mode_computes_is_what_the_int8_file_computes(conv_student, train_windows):
    """The mode and the file round alike: they are nearer to one another than to float."""
    from export.calibrate import measure_ranges
    from export.convert import to_tflite
    from export.int8 import decide
    from export.quantize import quantize_tflite
    from export.quiet import quiet

    network = without_norms(conv_student, 64)
    values = torch.from_numpy(train_windows)
    rounding = Rounding(network)
    with rounding.attached(), torch.no_grad():
        rounding.measure(values)
        with rounding:
            simulated = network(values).logits.argmax(1).numpy()
    with quiet():
        model = to_tflite(conv_student, 64)
        decided = decide(quantize_tflite(model, "int8", measure_ranges(model, train_windows)), train_windows)
    assert (simulated == decided).mean() >= 0.98


def test_a_float_part_is_not_rounded(picture_student, train_windows):
    network = copy.deepcopy(picture_student)
    values = torch.from_numpy(train_windows[:8])
    heard = []
    network.net.conv1.register_forward_pre_hook(lambda module, taken: heard.append(taken[0].detach().clone()))
    rounding = Rounding(network)
    with rounding.attached():
        rounding.measure(values)
        with rounding:
            network(values)
    measured, rounded = heard
    assert (rounded - measured).abs().max() <= 1.01 * (measured.max() - measured.min()) / 255 / 2
    assert len(rounded.unique()) <= 256 < len(measured.unique())


@pytest.fixture(scope="module")
def spoilt(conv_student):
    """The student with one channel so loud that int8 loses its neighbours: the same function in float."""
    student = copy.deepcopy(conv_student)
    with torch.no_grad():
        norm, after = student.stem[2], student.blocks[0][1]
        norm.weight[0] = norm.weight[0].abs() + 1
        after.weight[0] /= 100
        norm.weight[0] *= 100
        norm.bias[0] *= 100
    return student


def divergence(student, network, windows):
    values = torch.from_numpy(windows)
    rounding = Rounding(network)
    with rounding.attached(), torch.no_grad():
        rounding.measure(values)
        with rounding:
            said = network(values).logits.log_softmax(1)
        wanted = student(values).logits.log_softmax(1)
    return F.kl_div(said, wanted, log_target=True, reduction="batchmean").item()


def test_fine_tuning_brings_int8_back_to_the_float_student(spoilt, train_windows):
    before = divergence(spoilt, without_norms(spoilt, 64), train_windows)
    tuned = fine_tune(spoilt, train_windows, Recipe(epochs=4))
    assert divergence(spoilt, tuned, train_windows) < before / 2


def test_it_repeats_and_leaves_the_student_alone(conv_student, train_windows):
    kept = copy.deepcopy(conv_student.state_dict())
    seen = []
    one, two = (
        fine_tune(conv_student, train_windows[:64], Recipe(epochs=2), lambda *step: seen.append(step))
        for _ in range(2)
    )
    assert all(torch.equal(one.state_dict()[name], value) for name, value in two.state_dict().items())
    assert all(torch.equal(kept[name], value) for name, value in conv_student.state_dict().items())
    assert seen == [(1, 2), (2, 2)] * 2
    assert not any(
        name.endswith("_hooks") and value for name, value in vars(one).items() if "forward" in name
    )
    assert np.isfinite(one(torch.from_numpy(train_windows[:2])).logits.detach().numpy()).all()
