import math

import pytest
import torch

from edgehar.losses.weighted import weighted_sum


def never() -> torch.Tensor:
    raise AssertionError("a term of weight 0 was computed")


def test_the_sum_of_what_has_a_weight():
    terms = {"a": (2.0, lambda: torch.tensor(3.0)), "b": (0.0, never), "c": (0.5, lambda: torch.tensor(4.0))}
    assert weighted_sum("any", terms).item() == 8


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_weights_that_are_none_are_refused_before_anything_is_computed(weight):
    with pytest.raises(ValueError, match=r"the weight b of any is .*; a weight is 0 or more"):
        weighted_sum("any", {"a": (1.0, never), "b": (weight, never)})


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="every weight of any is 0; give one term a weight"):
        weighted_sum("any", {"a": (0.0, never)})
