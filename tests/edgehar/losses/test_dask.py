import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.losses.cross_entropy import cross_entropy
from edgehar.losses.dask import dask
from edgehar.losses.kd import kd
from edgehar.losses.relational import angle, distance
from edgehar.losses.semantic import semantic
from edgehar.models.output import Output

NOTHING = {"ce": 0.0, "kd": 0.0, "distance": 0.0, "angle": 0.0, "semantic": 0.0}
LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def output(seed: int, width: int = 5, clips: int = 6) -> Output:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(clips, 4, generator=generator, dtype=torch.float64)
    return Output(logits, torch.randn(clips, width, generator=generator, dtype=torch.float64))


def test_by_hand():
    # Equal logits and embeddings leave the cross-entropy of even odds over four classes.
    student = Output(torch.zeros(6, 4), torch.eye(6))
    assert dask(student, (student,), LABELS).item() == pytest.approx(math.log(4), rel=1e-6)


def test_is_the_papers_sum_with_rkds_weights():
    student, teacher = output(0), output(1)
    wanted = (
        cross_entropy(student, (), LABELS)
        + kd(student, teacher, tau=4.0)
        + 25 * distance(student, teacher)
        + 50 * angle(student, teacher)
        + semantic(student, teacher)
    )
    torch.testing.assert_close(dask(student, (teacher,), LABELS), wanted)


@pytest.mark.parametrize("name", NOTHING)
def test_each_weight_scales_its_own_term(name):
    student, teacher = output(2), output(3)
    term = {
        "ce": cross_entropy(student, (), LABELS, label_smoothing=0.1),
        "kd": kd(student, teacher, tau=2.0),
        "distance": distance(student, teacher),
        "angle": angle(student, teacher),
        "semantic": semantic(student, teacher),
    }[name]
    value = dask(student, (teacher,), LABELS, **NOTHING | {name: 3.0}, tau=2.0, label_smoothing=0.1)
    torch.testing.assert_close(value, 3 * term)


def test_several_teachers_are_averaged():
    student, teachers = output(4), (output(5), output(6), output(7))
    alone = torch.stack([dask(student, (teacher,), LABELS) for teacher in teachers])
    torch.testing.assert_close(dask(student, teachers, LABELS), alone.mean())


def test_projected_embeddings_serve_the_semantic_term_only():
    student, teachers = output(8, width=5), (output(9, width=3), output(10, width=7))
    projected = (output(11, width=3).embedding, output(12, width=7).embedding)
    gaps = [
        (ours - theirs.embedding).square().sum(1).mean()
        for ours, theirs in zip(projected, teachers, strict=True)
    ]
    value = dask(student, teachers, LABELS, projected=projected)
    torch.testing.assert_close(value, dask(student, teachers, LABELS, semantic=0.0) + sum(gaps) / 2)


def test_a_term_of_weight_0_is_not_computed():
    student, elsewhere = output(13), Output(torch.zeros(2, 9), torch.full((3, 2), math.nan))
    torch.testing.assert_close(
        dask(student, (elsewhere,), LABELS, **NOTHING | {"ce": 1.0}), cross_entropy(student, (), LABELS)
    )
    assert dask(student, (), LABELS, **NOTHING | {"ce": 1.0}).isfinite()


def test_mixed_labels():
    student, teacher = output(14), output(15)
    mixed = torch.nn.functional.one_hot(LABELS, 4).float()
    torch.testing.assert_close(dask(student, (teacher,), mixed), dask(student, (teacher,), LABELS))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 6), teachers=st.integers(1, 3))
def test_never_negative_and_blind_to_the_order_of_the_batch(seed, clips, teachers):
    student, others = (
        output(seed, clips=clips),
        [output(seed + n, clips=clips) for n in range(1, teachers + 1)],
    )
    order = torch.randperm(clips, generator=torch.Generator().manual_seed(seed))

    def shuffled(given: Output) -> Output:
        return Output(given.logits[order], given.embedding[order])

    value = dask(student, tuple(others), LABELS[:clips])
    assert value >= 0
    again = dask(shuffled(student), tuple(shuffled(other) for other in others), LABELS[:clips][order])
    torch.testing.assert_close(again, value)


def test_gradient():
    student, teachers = output(16), (output(17), output(18))

    def value(logits: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        return dask(Output(logits, embedding), teachers, LABELS)

    assert torch.autograd.gradcheck(
        value, (student.logits.requires_grad_(), student.embedding.requires_grad_())
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_huge_logits_stay_finite(dtype):
    def huge(seed: int) -> Output:
        drawn = output(seed)
        return Output(
            (1e4 * drawn.logits).to(dtype).requires_grad_(), drawn.embedding.to(dtype).requires_grad_()
        )

    student, teacher = huge(19), huge(20)
    value = dask(student, (teacher,), LABELS)
    value.backward()
    assert value.isfinite() and value.dtype == torch.float32
    assert student.logits.grad.isfinite().all() and student.embedding.grad.isfinite().all()
    assert teacher.logits.grad is None and teacher.embedding.grad is None


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(ValueError, match=r"the weight angle of dask is .*; a weight is 0 or more"):
        dask(output(0), (output(1),), LABELS, angle=weight)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="every weight of dask is 0; give one term a weight"):
        dask(output(0), (output(1),), LABELS, **NOTHING)


@pytest.mark.parametrize("name", ["kd", "distance", "angle", "semantic"])
def test_no_teacher_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} needs a teacher's Output and got none"):
        dask(output(0), (), LABELS, **NOTHING | {name: 1.0})


def test_other_widths_are_refused_by_the_semantic_term():
    with pytest.raises(ValueError, match="projection head"):
        dask(output(0, width=5), (output(1, width=3),), LABELS)


def test_projections_for_other_teachers_are_refused():
    with pytest.raises(ValueError, match="projected has 1 tensors for 2 teachers; give one each"):
        dask(output(0), (output(1), output(2)), LABELS, projected=(output(3).embedding,))
