import pytest
import torch

from edgehar.losses import LOSSES, loss
from edgehar.models.output import Output
from edgehar.training.adapters import projection_heads, takes_projections
from edgehar.training.batches import Bank


def bank(*widths):
    return Bank(torch.zeros(2, 6, 5), tuple((torch.zeros(2, 6, 3), torch.zeros(2, 6, w)) for w in widths))


STUDENT = Output(torch.zeros(2, 3), torch.randn(2, 8))


def test_the_loss_says_by_its_arguments_whether_it_wants_heads():
    assert takes_projections(loss("dask"))
    assert not takes_projections(loss("ce"))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_can_be_asked(name):
    assert takes_projections(loss(name)) in (True, False)


def test_one_head_a_teacher_in_its_width():
    heads = projection_heads(STUDENT, bank(5, 12))
    assert [head(STUDENT.embedding).shape for head in heads] == [(2, 5), (2, 12)]
    assert all(p.requires_grad for p in heads.parameters())


def test_where_widths_agree_nothing_stands_between():
    (head,) = projection_heads(STUDENT, bank(8))
    assert head(STUDENT.embedding) is STUDENT.embedding
    assert list(head.parameters()) == []


def test_no_teacher_no_head():
    assert len(projection_heads(STUDENT, bank())) == 0
