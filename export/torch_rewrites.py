"""Operators of torch that the converters turn into something poor, written as something that they know.

Equal numbers in torch; what changes is the graph that the converter sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SOFTMAX = (torch.softmax, torch.nn.functional.softmax, Tensor.softmax)


@contextmanager
def rewritten() -> Iterator[None]:
    """While this holds, a softmax over another axis than the last is taken over the last.

    TFLite's SOFTMAX knows the last axis only. The converter spells others out as EXP, SUM and DIV, whose
    int8 versions lose most of what attention weighs.
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
        return func(*args, **kwargs)


def _softmax(values: Tensor, dim: int | None = None, *_: Any, **rest: Any) -> Tensor:
    if dim is None or dim in (-1, values.ndim - 1):
        return F.softmax(values, dim=-1 if dim is None else dim)
    return F.softmax(values.transpose(dim, -1), dim=-1).transpose(dim, -1)
