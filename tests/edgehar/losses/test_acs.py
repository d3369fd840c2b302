"""ACS against a float64 loop over PSKD's equations 1 to 7, and its gate case by case."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.acs import acs, adaptive_confidence
from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.kd import kd
from edgehar.losses.semantic import semantic
from edgehar.models.output import Output

NOTHING = {"ce": 0.0, "kd": 0.0, "confidence": 0.0, "semantic": 0.0}
LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def output(seed: int, clips: int = 6, width: int = 5) -> Output:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(clips, 4, generator=generator, dtype=torch.float64)
    return Output(logits, torch.randn(clips, width, generator=generator, dtype=torch.float64))


def say(*rows: list[float]) -> Output:
    return Output(torch.tensor(rows, dtype=torch.float64), torch.zeros(len(rows), 1))


# The equations, clip by clip and class by class


def softmax(logits: list[float], tau: float = 1.0) -> list[float]:
    return [math.exp(z / tau) / sum(math.exp(other / tau) for other in logits) for z in logits]


def crossed(wanted: list[float], said: list[float]) -> float:
    return -sum(p * math.log(q) for p, q in zip(wanted, said, strict=True))


def diverged(wanted: list[float], said: list[float]) -> float:
    return crossed(wanted, said) - crossed(wanted, wanted)


def shared(losses: list[float]) -> list[float]:
    """Eq. 4 without its minus: 1 / (K - 1) (1 - exp(L_k) / sum_j exp(L_j)); a lone teacher has 1."""
    if len(losses) == 1:
        return [1.0]
    total = sum(math.exp(value) for value in losses)
    return [(1 - math.exp(value) / total) / (len(losses) - 1) for value in losses]


def slow_clip(
    student: list[float], teachers: list[list[float]], label: list[float], gate: str, alpha: float = 1.0
) -> float:
    """One clip's L_MK, eqs. 1 to 5."""
    losses = [crossed(label, softmax(teacher)) for teacher in teachers]
    if gate == "correct":
        opened = [
            k for k, teacher in enumerate(teachers)
            if teacher.index(max(teacher)) == label.index(max(label))
        ]  # fmt: skip
        weights = dict(zip(opened, shared([losses[k] for k in opened]), strict=True)) if opened else {}
    else:
        soft = [16 * diverged(softmax(teacher, 4.0), softmax(student, 4.0)) for teacher in teachers]
        least = crossed(label, softmax(student)) + alpha * sum(soft) / len(soft)
        weights = {k: weight for k, weight in enumerate(shared(losses)) if losses[k] <= least}
    if not weights:
        return crossed(label, softmax(student))
    return sum(weight * crossed(softmax(teachers[k]), softmax(student)) for k, weight in weights.items())


def slow(student: Output, teachers: tuple[Output, ...], labels: torch.Tensor, gate: str) -> float:
    targets = labels if labels.is_floating_point() else torch.nn.functional.one_hot(labels, 4).double()
    rows = zip(student.logits.tolist(), *(teacher.logits.tolist() for teacher in teachers), strict=True)
    clips = [
        slow_clip(ours, theirs, label, gate)
        for (ours, *theirs), label in zip(rows, targets.tolist(), strict=True)
    ]
    return sum(clips) / len(clips)


@pytest.mark.parametrize("gate", ["correct", "loss"])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("mixed", [False, True])
def test_confidence_equals_the_papers_sum(gate, count, mixed):
    student, *teachers = (output(seed, clips=40) for seed in range(1 + count))
    labels = torch.arange(40) % 4
    if mixed:
        certain = torch.nn.functional.one_hot(labels, 4).double()
        labels = 0.7 * certain + 0.3 * certain.roll(1, 0)
    value = adaptive_confidence(student, tuple(teachers), labels, gate=gate)
    assert value.item() == pytest.approx(slow(student, tuple(teachers), labels, gate), rel=1e-9)


@pytest.mark.parametrize("gate", ["correct", "loss"])
def test_acs_is_the_papers_sum(gate):
    student, teachers = output(10), (output(11), output(12))
    wanted = cross_entropy(student, (), LABELS)
    for teacher in teachers:
        wanted = wanted + (kd(student, teacher, tau=4.0) + semantic(student, teacher)) / 2
    value = acs(student, teachers, LABELS, gate=gate)
    assert value.item() == pytest.approx(wanted.item() + slow(student, teachers, LABELS, gate), rel=1e-9)


@pytest.mark.parametrize("name", NOTHING)
def test_each_weight_scales_its_own_term(name):
    student, teacher = output(13), output(14)
    term = {
        "ce": cross_entropy(student, (), LABELS, label_smoothing=0.1),
        "kd": kd(student, teacher, tau=2.0),
        "confidence": adaptive_confidence(student, (teacher,), LABELS),
        "semantic": semantic(student, teacher),
    }[name]
    value = acs(student, (teacher,), LABELS, **NOTHING | {name: 3.0}, tau=2.0, label_smoothing=0.1)
    torch.testing.assert_close(value, 3 * term)


# The gate, one clip of class 0 of two at a time

LEANING = say([1.0, 0.0])
SURE, UNSURE, WRONG = [3.0, 0.0], [0.5, 0.0], [0.0, 2.0]


def likeness(teacher: list[float]) -> float:
    """CE(softmax(z_T), softmax(z_S)) of the leaning student."""
    return crossed(softmax(teacher), softmax([1.0, 0.0]))


def confidence(*teachers: list[float], **options) -> float:
    label = torch.tensor([0])
    return adaptive_confidence(LEANING, tuple(say(teacher) for teacher in teachers), label, **options).item()


def test_both_right_favours_the_better():
    right, doubting = (math.log(1 + math.exp(-z)) for z in (3.0, 0.5))  # their cross-entropies
    share = math.exp(doubting) / (math.exp(right) + math.exp(doubting))
    assert share > 0.5
    wanted = share * likeness(SURE) + (1 - share) * likeness(UNSURE)
    assert confidence(SURE, UNSURE) == pytest.approx(wanted, rel=1e-12)


def test_one_right_is_followed_alone():
    assert confidence(UNSURE, WRONG) == pytest.approx(likeness(UNSURE), rel=1e-12)
    assert confidence(WRONG, UNSURE) == pytest.approx(likeness(UNSURE), rel=1e-12)


def test_none_right_is_the_ground_truth():
    assert confidence(WRONG, WRONG) == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-12)


def test_a_lone_teacher_has_weight_1_when_it_is_right():
    assert confidence(UNSURE) == pytest.approx(likeness(UNSURE), rel=1e-12)
    assert confidence(WRONG) == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-12)
    assert confidence(SURE, gate="loss") == pytest.approx(likeness(SURE), rel=1e-12)


def test_three_teachers_two_of_them_right():
    assert confidence(SURE, WRONG, UNSURE) == pytest.approx(confidence(SURE, UNSURE), rel=1e-12)


def test_gate_loss_asks_who_is_better_than_the_student():
    """Student and teachers all but wrong: the one with less loss than the student is let in, with eq. 4's
    weight among both, which is below 1."""
    student, label = say([0.0, 2.0]), torch.tensor([0])
    bad, worse = [0.0, 1.0], [0.0, 9.0]
    losses = [math.log(1 + math.exp(z)) for z in (1.0, 9.0)]
    wanted = (1 - math.exp(losses[0]) / sum(map(math.exp, losses))) * crossed(
        softmax(bad), softmax([0.0, 2.0])
    )
    value = adaptive_confidence(student, (say(bad), say(worse)), label, gate="loss", kd=0.0)
    assert value.item() == pytest.approx(wanted, rel=1e-12)
    nobody = adaptive_confidence(student, (say(worse), say(worse)), label, gate="loss", kd=0.0)
    assert nobody.item() == pytest.approx(math.log(1 + math.exp(2)), rel=1e-12)
    assert adaptive_confidence(student, (say(bad), say(worse)), label).item() == pytest.approx(
        math.log(1 + math.exp(2)), rel=1e-12
    )


def test_the_more_soft_loss_the_student_has_the_more_teachers_gate_loss_lets_in():
    student, worse, label = say([0.0, 2.0]), say([0.0, 3.0]), torch.tensor([0])
    shut, opened = (adaptive_confidence(student, (worse,), label, gate="loss", kd=k) for k in (0.0, 100.0))
    assert shut.item() == pytest.approx(math.log(1 + math.exp(2)))
    assert opened.item() == pytest.approx(crossed(softmax([0.0, 3.0]), softmax([0.0, 2.0])))


def test_mixed_labels_name_their_likeliest_class():
    teachers = (say(SURE), say(WRONG))
    leaning = torch.tensor([[0.6, 0.4]], dtype=torch.float64)
    value = adaptive_confidence(LEANING, teachers, leaning)
    assert value.item() == pytest.approx(likeness(SURE), rel=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4), gate=st.sampled_from(["correct", "loss"]))
def test_the_order_of_the_teachers_does_not_matter(seed, count, gate):
    student, *teachers = (output(seed + n) for n in range(1 + count))
    value = acs(student, tuple(teachers), LABELS, gate=gate)
    torch.testing.assert_close(acs(student, tuple(reversed(teachers)), LABELS, gate=gate), value)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 4))
def test_the_weights_of_one_clip_sum_to_one(seed, count):
    """A student of even odds has cross-entropy log 4 with everyone, whoever is followed and how much."""
    even = Output(torch.zeros(6, 4, dtype=torch.float64), torch.zeros(6, 1))
    teachers = tuple(output(seed + n) for n in range(count))
    assert adaptive_confidence(even, teachers, LABELS).item() == pytest.approx(math.log(4), rel=1e-12)


@pytest.mark.parametrize("gate", ["correct", "loss"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_gradient(gate, count):
    student, *teachers = (output(seed) for seed in range(20, 21 + count))

    def value(logits: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        return acs(Output(logits, embedding), tuple(teachers), LABELS, gate=gate)

    inputs = (student.logits.requires_grad_(), student.embedding.requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gate", ["correct", "loss"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_huge_logits_stay_finite_and_right(dtype, gate, count):
    """Logits of 1e4: teachers are certain, rightly or wrongly, and so is the student."""
    said = [(1e4 * output(seed).logits).to(dtype) for seed in range(30, 31 + count)]
    student = said[0].clone().requires_grad_()
    teachers = tuple(Output(logits, torch.zeros(6, 1)) for logits in said[1:])
    value = adaptive_confidence(Output(student, torch.zeros(6, 1)), teachers, LABELS, gate=gate)
    value.backward()
    wide = [Output(logits.double(), torch.zeros(6, 1)) for logits in said]
    wanted = adaptive_confidence(wide[0], tuple(wide[1:]), LABELS, gate=gate)
    assert value.dtype == torch.float32 and value.isfinite()
    assert value.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert student.grad.isfinite().all() and student.grad.abs().sum() > 0


def test_projected_embeddings_serve_the_semantic_term_only():
    student, teachers = output(40, width=5), (output(41, width=3), output(42, width=7))
    projected = (output(43, width=3).embedding, output(44, width=7).embedding)
    gaps = [
        (ours - theirs.embedding).square().sum(1).mean()
        for ours, theirs in zip(projected, teachers, strict=True)
    ]
    value = acs(student, teachers, LABELS, projected=projected)
    torch.testing.assert_close(value, acs(student, teachers, LABELS, semantic=0.0) + sum(gaps) / 2)


@pytest.mark.parametrize("gate", ["right", "", 1.0])
def test_a_gate_that_is_none_is_refused_even_where_it_has_no_weight(gate):
    with pytest.raises(ValueError, match=f"gate is {gate}; it is correct or loss"):
        acs(output(0), (output(1),), LABELS, confidence=0.0, gate=gate)


def test_teachers_of_other_classes_are_refused():
    elsewhere = Output(torch.zeros(6, 3), torch.zeros(6, 5))
    with pytest.raises(ValueError, match=r"logits are \(6, 4\) of the student and \(6, 3\) of the teacher"):
        acs(output(0), (output(1), elsewhere), LABELS, **NOTHING | {"confidence": 1.0})
