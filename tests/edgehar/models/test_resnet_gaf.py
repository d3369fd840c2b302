import pytest
import torch

from edgehar.models.resnet_gaf import BasicBlock, ResNet18, ResNet18Gaf
from edgehar.signals.gaf import gaf


@pytest.fixture(scope="module")
def student() -> ResNet18Gaf:
    torch.manual_seed(0)
    return ResNet18Gaf(classes=27).eval()


def windows(clips: int = 2, samples: int = 128, seed: int = 0) -> torch.Tensor:
    return torch.randn(clips, samples, 3, generator=torch.Generator().manual_seed(seed)).cumsum(1)


def test_shapes(student):
    said = student(windows())
    assert said.logits.shape == (2, 27)
    assert said.embedding.shape == (2, 512)
    shapes = {name: tuple(map_.shape) for name, map_ in said.maps.items()}
    assert shapes == {
        "layer1": (2, 64, 16, 16),
        "layer2": (2, 128, 8, 8),
        "layer3": (2, 256, 4, 4),
        "layer4": (2, 512, 2, 2),
    }


def test_is_resnet18():
    # The published network has 11,689,512 parameters, of which 512 x 1000 + 1000 are its last layer.
    network = ResNet18(classes=1000)
    fc0 = 512 * 512 + 512
    assert sum(p.numel() for p in network.parameters()) == 11_689_512 + fc0
    layers = [
        m for name, m in network.named_modules() if isinstance(m, torch.nn.Conv2d) and "shortcut" not in name
    ]
    assert len(layers) + 1 == 18  # with fc1; fc0 is the papers' addition


def test_a_block_without_residual_is_its_shortcut():
    block = BasicBlock(4, 4, stride=1).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(x), x.relu())


def test_pools_as_the_published_network_does(student):
    """Zeros around the map, as written, against the -inf of the published maximum pooling."""
    net, picture = student.net, student.gaf(windows())
    stem = torch.relu(net.bn1(net.conv1(picture)))
    published = net.layer1(torch.nn.functional.max_pool2d(stem, 3, stride=2, padding=1))
    torch.testing.assert_close(student(windows()).maps["layer1"], published)


def test_sees_the_gramian_angular_field(student):
    averaged = windows().unflatten(1, (64, 2)).mean(2)
    torch.testing.assert_close(
        student(windows()).logits, student.net(gaf(averaged)).logits, atol=1e-5, rtol=1e-5
    )


def test_embedding_is_the_input_of_the_last_layer(student):
    said = student(windows())
    torch.testing.assert_close(student.net.fc1(said.embedding), said.logits)


def test_a_clip_is_judged_alone_as_in_a_batch(student):
    together = student(windows(clips=3)).logits
    alone = torch.cat([student(window.unsqueeze(0)).logits for window in windows(clips=3)])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)


def test_blind_to_unit_and_offset_of_an_axis(student):
    moved = windows() * torch.tensor([9.80665, 2.0, 0.5]) + torch.tensor([1.0, -3.0, 9.81])
    torch.testing.assert_close(student(moved).logits, student(windows()).logits, atol=1e-3, rtol=1e-3)


def test_a_sensor_that_lies_still_gives_finite_scores(student):
    still = torch.tensor([0.0, 0.0, 9.81]).repeat(1, 128, 1)
    assert student(still).logits.isfinite().all()


def test_every_weight_learns():
    torch.manual_seed(0)
    student = ResNet18Gaf(classes=4, window=64, size=32, embedding=16)
    student(windows(clips=4, samples=64)).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())


def test_other_sizes():
    said = ResNet18Gaf(classes=4, window=96, size=96, embedding=300).eval()(windows(samples=96))
    assert said.embedding.shape == (2, 300)
    assert said.maps["layer1"].shape == (2, 64, 24, 24)


def test_a_size_that_does_not_divide_the_window_is_refused():
    with pytest.raises(ValueError, match="a window of 100 samples cannot be averaged into 64 equal pieces"):
        ResNet18Gaf(classes=4, window=100)


def test_float_parts_and_the_quantisable_rest_are_all_there_is(student):
    assert [name for name, _ in student.named_children()] == [*student.float_parts, "net"]


@pytest.mark.slow
def test_the_converted_file_gives_the_same_scores(student, tmp_path):
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter

    path = tmp_path / "student.tflite"
    litert_torch.convert(_Logits(student).eval(), (torch.zeros(1, 128, 3),)).export(str(path))
    interpreter = Interpreter(str(path), num_threads=1)
    run = interpreter.get_signature_runner()
    still = torch.tensor([0.0, 0.0, 9.81]).repeat(1, 128, 1)
    for acc in (*windows(clips=5, seed=3).split(1), still):
        (scores,) = run(args_0=acc.numpy()).values()
        torch.testing.assert_close(torch.from_numpy(scores), student(acc).logits, atol=1e-4, rtol=0)
    # No arccos, no transposed pictures: only what every TFLite runtime has built in.
    names = {detail["op_name"] for detail in interpreter._get_ops_details()}
    assert names.isdisjoint({"TRANSPOSE", "CUSTOM", "ATAN2", "PADV2"})


class _Logits(torch.nn.Module):
    """A student as a converter wants it: tensors in, tensors out."""

    def __init__(self, student: ResNet18Gaf) -> None:
        super().__init__()
        self.student = student

    def forward(self, acc: torch.Tensor) -> torch.Tensor:
        return self.student(acc).logits
