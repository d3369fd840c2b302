"""The table of losses: torch-free names, and the battery that every loss in it must pass."""

import subprocess
import sys

import pytest
import torch

from edgehar.errors import InputError
from edgehar.losses import LOSSES, loss
from edgehar.models.output import Output


def outputs(width: int, seed: int) -> Output:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 4, generator=generator, requires_grad=True)
    return Output(logits, torch.randn(6, width, generator=generator, requires_grad=True))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_a_scalar_that_teaches_the_student_only(name):
    student, teachers = outputs(5, 0), (outputs(5, 1), outputs(5, 2))
    value = loss(name)(student, teachers, torch.tensor([0, 1, 2, 3, 0, 1]))
    value.backward()
    assert value.shape == () and value > 0
    assert student.logits.grad.abs().sum() > 0
    assert all(teacher.logits.grad is None and teacher.embedding.grad is None for teacher in teachers)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match=r"No loss called 'dsak'\. Did you mean 'dask'\?"):
        loss("dsak")


def test_unknown_name_that_is_near_to_nothing_says_where_all_are():
    with pytest.raises(InputError, match=r"No loss called 'zzz'\. All names: edgehar ls"):
        loss("zzz")


def test_names_do_not_import_torch():
    code = "import sys; from edgehar.losses import LOSSES; sys.exit('torch' in sys.modules or not LOSSES)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
