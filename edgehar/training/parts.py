"""The two parts of a split as prepared clips."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgehar.data.choose import choose_streams
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Progress, Shape, prepare, silent
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
    recordings = recordings or open_planned(plan)
    return divided_clips(recordings, plan.split, plan.hold_out, plan.shape, streams, progress)


def open_planned(plan: Plan) -> Recordings:
    """The recordings of a plan, each stream that it chose called by its modality."""
    opened = open_recordings(plan.data, plan.data_dir)
    return choose_streams(opened, plan.student_stream, plan.teacher_streams)


def divided_clips(
    recordings: Recordings,
    split: str,
    hold_out: str | None,
    shape: Shape,
    streams: Iterable[str],
    progress: Progress = silent,
) -> dict[str, Clips]:
    """The "train" and "test" clips of a split, as `edgehar.data.source.divide` tells them apart.

    Raises InputError that names what is missing or unusable.
    """
    train, test = divide(recordings, split, hold_out)
    arrays = {name: prepare(recordings, name, shape, progress) for name in dict.fromkeys(streams)}
    clips = Clips(
        arrays=arrays,
        labels=np.array([clip.label for clip in recordings.clips], dtype=np.int64),
        subjects=np.array([clip.subject for clip in recordings.clips]),
        classes=len(recordings.labels),
    )
    return {"train": clips.only(train), "test": clips.only(test)}
