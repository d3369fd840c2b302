"""What every network of the toolkit returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
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


def mean_opinion(said: Sequence[Output]) -> Output:
    """What several networks say of one batch, as one: the mean of their log-probabilities, all of their
    embeddings side by side, and the first one's maps."""
    opinions = [each.logits.float().log_softmax(1) for each in said]
    embedding = torch.cat([each.embedding for each in said], 1)
    return Output(torch.stack(opinions).mean(0), embedding, said[0].maps)
