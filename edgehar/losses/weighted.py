"""A loss as the weighted sum of its terms, in the one place where weights are checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def weighted_sum(name: str, terms: Mapping[str, tuple[float, Callable[[], Tensor]]]) -> Tensor:
    """The loss `name` out of `terms`, by the keyword of its weight a term: (weight, how to compute it).

    A term of weight 0 is not computed. Returns shape (). Raises ValueError for weights that are
    negative, not finite or all zero.
    """
    for term, (weight, _) in terms.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight {term} of {name} is {weight}; a weight is 0 or more.")
    counted = [weight * compute() for weight, compute in terms.values() if weight]
    if not counted:
        raise ValueError(f"every weight of {name} is 0; give one term a weight.")
    return torch.stack(counted).sum()
