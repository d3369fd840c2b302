"""Operators of torch that the converters turn into something poor, written as something that they know.

Equal numbers in torch; what changes is the graph that the converter sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SOFTMAX = (torch.softmax, F.softmax, Tensor.softmax)
_SUM = (torch.sum, Tensor.sum)


@contextmanager
def rewritten() -> Iterator[None]:
    """While this holds, a softmax over another axis than the last is taken over the last, and a sum over
    axes is a mean times their length.

    TFLite's SOFTMAX knows the last axis only. The converter spells others out as EXP, SUM and DIV, whose
    int8 versions lose most of what attention weighs. The int8 SUM of LiteRT's reference kernels (2.3.0) is
    off by up to half the range, where MEAN is right everywhere.
    """
    with _Rewriting():
        yield


class _Rewriting(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in _SOFTMAX and "dtype" not in kwargs:
            return _softmax(*args, **kwargs)
        if func in _SUM and _is_plain_sum(*args, **kwargs):
            return _sum(*args, **kwargs)
        return func(*args, **kwargs)


def _softmax(values: Tensor, dim: int | None = None, *_: Any, **rest: Any) -> Tensor:
    if dim is None or dim in (-1, values.ndim - 1):
        return F.softmax(values, dim=-1 if dim is None else dim)
    return F.softmax(values.transpose(dim, -1), dim=-1).transpose(dim, -1)


def _is_plain_sum(values: Tensor, dim: Any = None, keepdim: bool = False, **rest: Any) -> bool:
    """Whether a sum is over axes that are named, of floats, with nothing special about it."""
    return not rest and dim is not None and dim != () and values.is_floating_point()


def _sum(values: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    return values.mean(axes, keepdim=keepdim) * prod(values.shape[axis] for axis in axes)
