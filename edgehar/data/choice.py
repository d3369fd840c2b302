"""Which of several streams of a kind the student feels, and which its teacher of sensors does."""

from __future__ import annotations

import warnings
from dataclasses import replace

from edgehar.cache import fingerprint
from edgehar.data.clip import MODALITIES, Recordings, modality_of
from edgehar.errors import InputError
from edgehar.registry import check

STUDENT = "acc"  # what every student's stream is called once it is chosen
SENSORS = ("acc", "gyro", "orientation")


def stream_names(recordings: Recordings) -> tuple[str, ...]:
    """Every stream that some clip has, kind by kind, in the order of the clips."""
    found = dict.fromkeys(name for clip in recordings.clips for name in clip.streams)
    known = [name for name in found if modality_of(name) in MODALITIES]
    return tuple(sorted(known, key=lambda name: MODALITIES.index(modality_of(name))))


def choose_student_stream(recordings: Recordings, wanted: str | None) -> str | None:
    """The accelerometer that the student feels: `wanted`, else the only one; None where there is none.

    Raises InputError for a name that no clip has and for a choice that is the user's to make.
    """
    names = [name for name in stream_names(recordings) if modality_of(name) == STUDENT]
    if wanted is not None:
        return check("accelerometer", wanted, names)
    if STUDENT in names or not names:
        return STUDENT if names else None
    if len(names) > 1:
        raise InputError(
            f"{recordings.name} has the accelerometers {', '.join(names)}: choose one with --student-stream."
        )
    return names[0]


def student_view(recordings: Recordings, stream: str | None) -> Recordings:
    """The same recordings with the student's stream called `acc`; beside it every stream keeps its name.

    Where sensors are told apart by their place, clips without the chosen one are left out, with a warning.
    """
    chosen = choose_student_stream(recordings, stream)
    if chosen is None or chosen == STUDENT:
        return recordings
    clips = tuple(
        replace(clip, streams={**clip.streams, STUDENT: clip.streams[chosen]})
        for clip in recordings.clips
        if chosen in clip.streams
    )
    if without := len(recordings.clips) - len(clips):
        warnings.warn(
            f"{recordings.name}: {without} of {len(recordings.clips)} clips have no {chosen} "
            "and are left out.",
            stacklevel=2,
        )
    return replace(recordings, clips=clips, version=fingerprint([recordings.version, chosen]))


def choose_teacher_streams(
    recordings: Recordings, student: str | None, wanted: tuple[str, ...]
) -> tuple[str, ...]:
    """What a teacher of sensors feels: `wanted`, else every sensor but the student's own.

    recordings: as they were read. Raises InputError for a name that no clip has, and where none is left.
    """
    names = [name for name in stream_names(recordings) if modality_of(name) in SENSORS]
    if wanted:
        return tuple(check("sensor", name, names) for name in dict.fromkeys(wanted))
    others = tuple(name for name in names if name != student)
    if not others:
        raise InputError(
            f"{recordings.name} has no sensor beside {student}, so none can teach: choose another --teacher."
        )
    return others
