import pytest
import torch
import torch.nn.functional as F

from edgehar.models.depthwise import DepthwiseStudent, Separable


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def student(**changes):
    torch.manual_seed(0)
    options = {"widths": (8, 12, 16), "strides": (2, 1, 2), "kernel": 9, "dropout": 0.5} | changes
    return DepthwiseStudent(5, 64, **options)


@pytest.mark.parametrize(("stride", "steps"), [(1, 32), (2, 32), (2, 16), (1, 9)])
def test_a_block_is_the_one_dimensional_convolution_it_stands_for(stride, steps):
    """Written with Conv1d, the way a textbook has it, on padding that keeps steps / stride samples."""
    torch.manual_seed(0)
    block = Separable(4, 6, kernel=9, stride=stride).eval()
    x = torch.randn(2, 4, steps, generator=seeded())
    depthwise, pointwise = block[1].weight[:, :, 0], block[4].weight[:, :, 0]
    total = 9 - stride
    y = F.conv1d(F.pad(x, (total // 2, total - total // 2)), depthwise, stride=stride, groups=4)
    y = F.relu(y / (1 + block[2].eps) ** 0.5)  # batch norm as it is built: mean 0, variance 1
    y = F.relu(F.conv1d(y, pointwise) / (1 + block[5].eps) ** 0.5)
    got = block(x.unsqueeze(2)).squeeze(2)
    assert got.shape == (2, 6, steps // stride)
    torch.testing.assert_close(got, y, atol=1e-5, rtol=1e-5)


def test_maps_shrink_by_the_strides():
    maps = student().eval()(torch.randn(2, 64, 3, generator=seeded())).maps
    assert {name: tuple(m.shape) for name, m in maps.items()} == {
        "block1": (2, 12, 32),
        "block2": (2, 16, 16),
    }


def test_the_embedding_is_the_mean_over_time_of_the_last_block():
    said = student().eval()(torch.randn(2, 64, 3, generator=seeded()))
    torch.testing.assert_close(said.embedding, said.maps["block2"].mean(dim=2))


def test_units_are_learnt_from_the_clips():
    """Trained on g or on m/s^2, the student sees the same: its first layer is a norm of the input."""
    acc = torch.randn(32, 64, 3, generator=seeded()) * 4 + torch.tensor([0.0, 9.8, 0.0])
    said = []
    for factor in (1.0, 1 / 9.80665):
        network = student(dropout=0.0)
        for _ in range(150):
            network.train()(acc * factor)
        said.append(network.eval()(acc * factor).logits)
    torch.testing.assert_close(said[0], said[1], atol=2e-3, rtol=2e-3)


def test_axes_are_not_interchangeable():
    network, acc = student().eval(), torch.randn(2, 64, 3, generator=seeded())
    assert not torch.allclose(network(acc).logits, network(acc.flip(2)).logits, atol=1e-3)


def test_dropout_is_for_training_alone():
    network, acc = student(), torch.randn(16, 64, 3, generator=seeded())
    torch.manual_seed(0)
    first, second = network.train()(acc), network.train()(acc)
    assert not torch.equal(first.logits, second.logits)
    torch.testing.assert_close(first.embedding, second.embedding)  # what teachers compare with has none


def test_as_many_strides_as_widths():
    with pytest.raises(ValueError, match="3 widths need as many strides, not 2"):
        student(strides=(2, 1))
