"""The two parts of a split as prepared clips, or as the windows of those clips."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgehar.data.choose import choose_streams
from edgehar.data.clip import Recordings
from edgehar.data.prepare import Cuts, Progress, Shape, find_cuts, prepare, silent
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
    recordings = recordings or plan_recordings(plan)
    return divided_clips(
        recordings,
        plan.split,
        plan.hold_out,
        plan.shape,
        streams,
        progress,
        plan_cuts(plan, recordings, progress),
    )


def plan_recordings(plan: Plan) -> Recordings:
    """The recordings of a plan, each stream that it chose called by its modality."""
    opened = open_recordings(plan.data, plan.data_dir)
    return choose_streams(opened, plan.student_stream, plan.teacher_streams)


def plan_cuts(plan: Plan, recordings: Recordings, progress: Progress = silent) -> Cuts | None:
    """Where a plan cuts the clips into windows; None for whole clips."""
    if plan.hop is None or plan.rate_hz is None:
        return None
    return find_cuts(recordings, "acc", plan.shape.window, plan.hop, plan.rate_hz, progress)


def divided_clips(
    recordings: Recordings,
    split: str,
    hold_out: str | None,
    shape: Shape,
    streams: Iterable[str],
    progress: Progress = silent,
    cuts: Cuts | None = None,
) -> dict[str, Clips]:
    """The "train" and "test" clips of a split, as `edgehar.data.source.divide` tells them apart; with `cuts`
    their windows, each with its clip's label.

    Raises InputError that names what is missing or unusable.
    """
    train, test = divide(recordings, split, hold_out)
    arrays = {name: prepare(recordings, name, shape, progress, cuts) for name in dict.fromkeys(streams)}
    of = np.arange(len(train)) if cuts is None else cuts.of
    clips = Clips(
        arrays=arrays,
        labels=np.array([clip.label for clip in recordings.clips], dtype=np.int64)[of],
        subjects=np.array([clip.subject for clip in recordings.clips])[of],
        classes=len(recordings.labels),
        of=None if cuts is None else of,
    )
    return {"train": clips.only(train[of]), "test": clips.only(test[of])}
