"""What every network of the toolkit is."""

from __future__ import annotations

from torch import Tensor, nn


class Network(nn.Module):
    """A teacher or a student: called with one tensor a stream, it returns an Output.

    streams: the modalities it looks at, in the order of its arguments. float_parts: submodules that
    an int8 file keeps in float, because int8 would ruin what they compute.
    """

    streams: tuple[str, ...]
    float_parts: tuple[str, ...] = ()

    def opinions(self, *streams: Tensor) -> tuple[Tensor, ...]:
        """The logits (N, classes) that are to be right: its answer's, or those of which it is the mean."""
        return (self(*streams).logits,)
