"""What every network of the toolkit returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Output:
    """What a teacher or a student says of a batch.

    logits: (N, classes), before softmax.
    embedding: (N, D), the input of the last linear layer.
    maps: inner activations by layer name, in order of depth, (N, C, T, ...): time is the third dimension,
    then picture rows and columns, joints, or nothing.
    """

    logits: Tensor
    embedding: Tensor
    maps: dict[str, Tensor] = field(default_factory=dict)

    def parts(self) -> dict[str, Tensor]:
        """All tensors by name, maps included: what a batch or a file holds of an Output."""
        return {"logits": self.logits, "embedding": self.embedding, **self.maps}

    @classmethod
    def of(cls, parts: Mapping[str, Tensor]) -> Output:
        """The Output whose `parts` these are."""
        maps = dict(parts)
        return cls(maps.pop("logits"), maps.pop("embedding"), maps)
