"""Streams by name: of several accelerometers or cameras, the one that a student or a teacher takes.

A network asks for a modality (`acc`), a data set may have it several times (`acc.left_wrist`, `acc.hip`).
One candidate is taken; several are listed and refused until one is named.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgehar.cache import fingerprint
from edgehar.data.clip import MODALITIES, SENSORS, Clip, Recordings, Stream, modality_of, sensors_of
from edgehar.errors import InputError

STUDENT, TEACHER = "--student-stream", "--teacher-streams"


def candidates(recordings: Recordings, modality: str) -> tuple[str, ...]:
    """The streams of a modality that any clip has, sorted: `acc`, `acc.left_wrist`, ..."""
    names = {name for clip in recordings.clips for name in clip.streams}
    return tuple(sorted(name for name in names if modality_of(name) == modality))


def choose_streams(
    recordings: Recordings, student_stream: str | None = None, teacher_streams: Sequence[str] = ()
) -> Recordings:
    """The same clips, whose streams are also called by their modality alone, where that says which is meant.

    student_stream: the accelerometer that the student feels. teacher_streams: what teachers look at; sensors
    among them keep their own names, by which a teacher asks for them. Every stream keeps its name beside.
    Where the student's is named, clips without it are left out, with a warning: some data sets record the
    same action by several devices one by one.
    Raises InputError for a stream that no clip has, and for two of one modality that is looked at.
    """
    named = _named(recordings, student_stream, teacher_streams)
    taken: dict[str, str] = {}
    for modality in MODALITIES:
        known = candidates(recordings, modality)
        if modality in named:
            taken[modality] = named[modality]
        elif len(known) == 1:
            taken[modality] = known[0]
    taken = {modality: name for modality, name in taken.items() if modality != name}
    if not taken:
        return recordings
    clips = tuple(replace(clip, streams=_streams(clip, taken)) for clip in _with(student_stream, recordings))
    return replace(recordings, clips=clips, version=fingerprint([recordings.version, sorted(taken.items())]))


def felt_streams(
    recordings: Recordings, student_stream: str | None, teacher_streams: Sequence[str]
) -> tuple[str, ...]:
    """teacher_streams with what a teacher of sensors feels: those named, else every sensor but the student's.

    recordings: as they were read. Raises InputError where none is left.
    """
    if sensors_of(teacher_streams):
        return tuple(dict.fromkeys(teacher_streams))
    own = {student_stream} if student_stream else set(candidates(recordings, "acc"))
    others = [name for modality in SENSORS for name in candidates(recordings, modality) if name not in own]
    if not others:
        raise InputError(
            f"{recordings.name} has no sensor beside the student's to teach it: choose another --teacher."
        )
    return (*teacher_streams, *others)


def _with(student_stream: str | None, recordings: Recordings) -> tuple[Clip, ...]:
    """The clips that have the student's stream, where it is named."""
    if student_stream is None:
        return recordings.clips
    clips = tuple(clip for clip in recordings.clips if student_stream in clip.streams)
    if without := len(recordings.clips) - len(clips):
        warnings.warn(
            f"{recordings.name}: {without} of {len(recordings.clips)} clips have no {student_stream} and are "
            "left out.",
            stacklevel=3,
        )
    return clips


def _named(recordings: Recordings, student: str | None, teachers: Sequence[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, flag in [*([(student, STUDENT)] if student else []), *((name, TEACHER) for name in teachers)]:
        modality = modality_of(name)
        known = candidates(recordings, modality) if modality in MODALITIES else ()
        if name not in known:
            every = dict.fromkeys(stream for clip in recordings.clips for stream in clip.streams)
            raise InputError(
                f"{recordings.name} has no stream {name!r} for {flag}: name of {', '.join(every)}."
            )
        if flag == STUDENT and modality != "acc":
            raise InputError(f"{flag} {name} is no accelerometer, and students feel nothing else: name one.")
        if flag == TEACHER and modality in SENSORS:
            continue
        if named.setdefault(modality, name) != name:
            raise InputError(
                f"{flag} names {named[modality]} and {name}, and one {modality} is taken: name one."
            )
    return named


def _streams(clip: Clip, taken: Mapping[str, str]) -> dict[str, Callable[[], Stream]]:
    streams = dict(clip.streams)
    for modality, name in taken.items():
        streams.pop(modality, None)
        if name in clip.streams:
            streams[modality] = clip.streams[name]
    return streams


def check_streams(recordings: Recordings, needed: Iterable[str], who: str) -> None:
    """That every clip has what `who`, a network, needs: said before anything is trained.

    Raises InputError that names what is lacking and in which clip, or the streams to choose of.
    """
    for modality in dict.fromkeys(needed):
        without = [clip.id for clip in recordings.clips if modality not in clip.streams]
        if not without:
            continue
        known = candidates(recordings, modality)
        if len(known) > 1 and modality not in known:
            flag = STUDENT if modality in SENSORS else TEACHER
            raise InputError(
                f"{recordings.name} has {len(known)} streams of {modality} and {who} takes one: name it with "
                f"{flag}, one of {', '.join(known)}."
            )
        raise InputError(
            f"{recordings.name}: {len(without)} of {len(recordings.clips)} clips have no {modality} (the "
            f"first is {without[0]}), and {who} needs it: add the files, remove the clips, or choose a "
            "teacher that needs other streams."
        )


def check_labels(recordings: Recordings, train: np.ndarray, test: np.ndarray, split: str) -> None:
    """That there are two classes, and none is tested that is never trained, by the labels of both parts.

    Raises InputError that names the class and whose clips it is in.
    """
    if len(recordings.labels) < 2:
        raise InputError(
            f"{recordings.name} has the one label {recordings.labels[0]!r}, and a student tells two apart: "
            "add clips of another."
        )
    if never := sorted(set(test.tolist()) - set(train.tolist())):
        subjects = sorted({clip.subject for clip in recordings.clips if clip.label == never[0]})
        raise InputError(
            f"{recordings.name}, split {split}: {recordings.labels[never[0]]!r} is tested and never trained "
            f"(its clips are of subject {', '.join(subjects)}): record it with others, remove it, or choose "
            "another --split."
        )


def with_labels(recordings: Recordings, labels: Sequence[str]) -> Recordings:
    """The same clips with their labels numbered as in `labels`, where that holds all of them by name.

    So a student is judged on recordings of some of its classes. Unchanged where a name is not among them.
    """
    if tuple(labels) == recordings.labels or not set(recordings.labels) <= set(labels):
        return recordings
    numbers = [list(labels).index(name) for name in recordings.labels]
    clips = tuple(replace(clip, label=numbers[clip.label]) for clip in recordings.clips)
    return replace(recordings, labels=tuple(labels), clips=clips)
