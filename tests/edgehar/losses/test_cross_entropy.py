import math

import pytest
import torch

from edgehar.losses.cross_entropy import cross_entropies, cross_entropy, named
from edgehar.models.output import Output


def student(logits: list[list[float]] | torch.Tensor) -> Output:
    logits = torch.as_tensor(logits)
    return Output(logits, torch.zeros(len(logits), 1))


def test_by_hand():
    # Even odds over two classes cost log 2; odds of 3 to 1 for the right class cost log 4/3.
    logits = [[0.0, 0.0], [math.log(3), 0.0]]
    value = cross_entropy(student(logits), (), torch.tensor([1, 0]))
    assert value.item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2, rel=1e-6)


def test_probabilities_mix_the_costs_of_the_classes():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    first, second = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([2, 2, 1, 0, 0])
    one_hot = torch.nn.functional.one_hot
    mixed = 0.3 * one_hot(first, 3).double() + 0.7 * one_hot(second, 3).double()
    wanted = 0.3 * cross_entropy(student(logits), (), first) + 0.7 * cross_entropy(
        student(logits), (), second
    )
    torch.testing.assert_close(cross_entropy(student(logits), (), mixed), wanted)


def test_label_smoothing_is_a_mixture_with_even_odds():
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 2, 2])
    smooth = 0.9 * torch.nn.functional.one_hot(labels, 3).float() + 0.1 / 3
    value = cross_entropy(student(logits), (), labels, label_smoothing=0.1)
    torch.testing.assert_close(value, cross_entropy(student(logits), (), smooth))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_huge_logits_stay_finite(dtype):
    logits = torch.tensor([[1e4, -1e4, 0.0]], dtype=dtype, requires_grad=True)
    value = cross_entropy(student(logits), (), torch.tensor([1]))
    value.backward()
    assert value.item() == pytest.approx(2e4, rel=1e-2)
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    "labels",
    [torch.zeros(3, dtype=torch.long), torch.zeros(2, 4), torch.zeros(2), torch.zeros(2, dtype=bool)],
)
def test_labels_that_fit_neither_form_are_refused(labels):
    with pytest.raises(ValueError, match=r"give \(N,\) class indices or \(N, classes\) probabilities"):
        cross_entropy(student([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]), (), labels)


def test_clip_by_clip_it_is_each_clips_own():
    said = student([[0.0, 0.0], [math.log(3), 0.0]])
    wanted = [math.log(2), math.log(4 / 3)]
    assert cross_entropies(said, torch.tensor([1, 0])).tolist() == pytest.approx(wanted)
    assert cross_entropies(said, torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist() == pytest.approx(wanted)


def test_a_label_names_a_class():
    assert named(torch.tensor([2, 0])).tolist() == [2, 0]
    assert named(torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]])).tolist() == [2, 0]
