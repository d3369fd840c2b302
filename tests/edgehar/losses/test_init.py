"""The table of losses: torch-free names, and the battery that every loss in it must pass."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.errors import InputError
from edgehar.losses import LOSSES, loss
from edgehar.losses.trial import settings as settings_of
from edgehar.models.output import Output

LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
NO_WEIGHTS = {"tau", "gamma", "order", "gate", "label_smoothing"}
TAUGHT = [name for name in LOSSES if name != "ce"]
EVERY = pytest.mark.parametrize("name", LOSSES)
EVERY_TAUGHT = pytest.mark.parametrize("name", TAUGHT)


def outputs(seed: int, clips: int = 6, dtype: torch.dtype = torch.float64, scale: float = 1.0) -> Output:
    """What a network might say of some clips: a time course in the middle, a map with joints at the end."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        drawn = scale * torch.randn(clips, *shape, generator=generator, dtype=torch.float64)
        return drawn.to(dtype).requires_grad_()

    return Output(draw(4), draw(5), {"block1": draw(3, 4), "block2": draw(2, 3, 2), "block3": draw(2, 2, 2)})


def tensors(said: Output) -> list[torch.Tensor]:
    return [said.logits, said.embedding, *said.maps.values()]


def shuffled(said: Output, order: torch.Tensor) -> Output:
    maps = {name: values[order] for name, values in said.maps.items()}
    return Output(said.logits[order], said.embedding[order], maps)


def weights(name: str) -> list[str]:
    return [keyword for keyword in settings_of(name) if keyword not in NO_WEIGHTS]


@EVERY
def test_every_loss_is_a_scalar_that_teaches_the_student_only(name):
    student, teachers = outputs(0), (outputs(1), outputs(2))
    value = loss(name)(student, teachers, LABELS)
    value.backward()
    assert value.shape == () and value > 0
    assert student.logits.grad.abs().sum() > 0
    assert all(values.grad is None for teacher in teachers for values in tensors(teacher))


@EVERY_TAUGHT
def test_every_term_but_the_labels_comes_from_the_teacher(name):
    """Without its cross-entropy a loss moves with the teacher, and the student is moved."""
    student = outputs(0)
    one, other = (loss(name)(student, (outputs(seed),), LABELS, ce=0.0) for seed in (1, 2))
    one.backward()
    assert not torch.isclose(one, other)
    assert sum(values.grad.abs().sum() for values in tensors(student) if values.grad is not None) > 0


@EVERY_TAUGHT
def test_a_student_that_says_what_its_teacher_says_learns_nothing_more(name):
    # ACS's confidence is a cross-entropy: at best it is what the teacher's own doubt leaves.
    alone = {"confidence": 0.0} if name == "acs" else {}
    value = loss(name)(outputs(3), (outputs(3), outputs(3)), LABELS, ce=0.0, **alone)
    assert value.item() == pytest.approx(0, abs=1e-12)


@EVERY
@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), clips=st.integers(1, 6), teachers=st.integers(1, 3))
def test_the_order_of_the_clips_does_not_matter(name, seed, clips, teachers):
    student, *others = (outputs(seed + n, clips) for n in range(1 + teachers))
    order = torch.randperm(clips, generator=torch.Generator().manual_seed(seed))
    value = loss(name)(student, tuple(others), LABELS[:clips])
    again = loss(name)(
        shuffled(student, order), tuple(shuffled(other, order) for other in others), LABELS[:clips][order]
    )
    assert value >= 0
    torch.testing.assert_close(again, value)


@EVERY
def test_labels_may_be_probabilities(name):
    student, teachers = outputs(4), (outputs(5), outputs(6))
    certain = torch.nn.functional.one_hot(LABELS, 4).float()
    torch.testing.assert_close(loss(name)(student, teachers, certain), loss(name)(student, teachers, LABELS))
    assert loss(name)(student, teachers, certain.roll(1, 0).lerp(certain, 0.3)).isfinite()


@pytest.mark.parametrize("name", [name for name in TAUGHT if name != "acs"])
def test_several_teachers_are_averaged(name):
    student, teachers = outputs(7), (outputs(8), outputs(9), outputs(10))
    alone = torch.stack([loss(name)(student, (teacher,), LABELS) for teacher in teachers])
    torch.testing.assert_close(loss(name)(student, teachers, LABELS), alone.mean())


@EVERY
def test_gradients(name):
    student, teachers = outputs(11, clips=4), (outputs(12, clips=4), outputs(13, clips=4))

    def value(logits, embedding, *maps):
        said = Output(logits, embedding, dict(zip(student.maps, maps, strict=True)))
        return loss(name)(said, teachers, LABELS[:4])

    assert torch.autograd.gradcheck(value, tensors(student))


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_huge_values_stay_finite(name, dtype):
    student, *teachers = (outputs(seed, dtype=dtype, scale=1e4) for seed in (14, 15, 16))
    value = loss(name)(student, tuple(teachers), LABELS)
    value.backward()
    assert value.isfinite() and value.dtype == torch.float32
    assert all(values.grad.isfinite().all() for values in tensors(student) if values.grad is not None)


@EVERY
def test_half_precision_and_autocast_are_computed_in_float32(name):
    student, *teachers = (outputs(seed, dtype=torch.bfloat16) for seed in (17, 18, 19))
    exact = [
        Output(said.logits.double(), said.embedding.double(), {n: m.double() for n, m in said.maps.items()})
        for said in (student, *teachers)
    ]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(name)(student, tuple(teachers), LABELS)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(name)(exact[0], tuple(exact[1:]), LABELS).item(), rel=1e-5)


@EVERY_TAUGHT
def test_a_term_of_weight_0_is_not_computed(name):
    """With the cross-entropy alone no teacher is looked at, and none is needed."""
    student = outputs(20)
    off = dict.fromkeys(weights(name), 0.0) | {"ce": 1.0}
    elsewhere = Output(torch.zeros(2, 9), torch.full((3, 2), torch.nan))
    expected = loss("ce")(student, (), LABELS)
    torch.testing.assert_close(loss(name)(student, (elsewhere,), LABELS, **off), expected)
    torch.testing.assert_close(loss(name)(student, (), LABELS, **off), expected)


@EVERY_TAUGHT
def test_label_smoothing_is_for_the_cross_entropy(name):
    student, teachers = outputs(21), (outputs(22),)
    plain, smooth = (loss(name)(student, teachers, LABELS, label_smoothing=amount) for amount in (0.0, 0.2))
    alone = [loss("ce")(student, (), LABELS, label_smoothing=amount) for amount in (0.0, 0.2)]
    torch.testing.assert_close(smooth - plain, alone[1] - alone[0])


@EVERY_TAUGHT
@pytest.mark.parametrize("weight", [-1.0, torch.nan, torch.inf])
def test_weights_that_are_none_are_refused(name, weight):
    for keyword in weights(name):
        with pytest.raises(ValueError, match=rf"the weight {keyword} of {name} is .*; a weight is 0 or more"):
            loss(name)(outputs(0), (outputs(1),), LABELS, **{keyword: weight})


@EVERY_TAUGHT
def test_nothing_to_learn_from_is_refused(name):
    with pytest.raises(ValueError, match=f"every weight of {name} is 0; give one term a weight"):
        loss(name)(outputs(0), (outputs(1),), LABELS, **dict.fromkeys(weights(name), 0.0))


@EVERY_TAUGHT
def test_no_teacher_is_refused(name):
    for keyword in set(weights(name)) - {"ce"}:
        alone = dict.fromkeys(weights(name), 0.0) | {keyword: 1.0}
        with pytest.raises(ValueError, match="needs a teacher's Output and got none"):
            loss(name)(outputs(0), (), LABELS, **alone)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"No loss called 'dsak'\. Did you mean 'dask'\?"):
        loss("dsak")


def test_unknown_name_that_is_near_to_nothing_says_where_all_are():
    with pytest.raises(InputError, match=r"No loss called 'zzz'\. All names: edgehar ls"):
        loss("zzz")


def test_names_do_not_import_torch():
    code = "import sys; from edgehar.losses import LOSSES; sys.exit('torch' in sys.modules or not LOSSES)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
