"""The two parts of a split as prepared clips."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgehar.data.clip import Recordings
from edgehar.data.prepare import Progress, prepare, silent
from edgehar.data.source import divide, open_recordings
from edgehar.plan import Plan
from edgehar.training.batches import Clips


def read_parts(
    plan: Plan,
    streams: Iterable[str],
    progress: Progress = silent,
    recordings: Recordings | None = None,
) -> dict[str, Clips]:
    """The "train" and "test" clips of a plan's split, with the named streams.

    Raises InputError that names what is missing or unusable.
    """
    recordings = recordings or open_recordings(plan.data, plan.data_dir)
    train, test = divide(recordings, plan.split, plan.hold_out)
    arrays = {name: prepare(recordings, name, plan.shape, progress) for name in dict.fromkeys(streams)}
    clips = Clips(
        arrays=arrays,
        labels=np.array([clip.label for clip in recordings.clips], dtype=np.int64),
        subjects=np.array([clip.subject for clip in recordings.clips]),
        classes=len(recordings.labels),
    )
    return {"train": clips.only(train), "test": clips.only(test)}
