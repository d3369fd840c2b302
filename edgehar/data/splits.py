"""Who trains and who tests: one table of splits, each a function from recordings to folds.

A split is written `name` or `name:argument`. What a data set publishes under a name (its reader's `splits`)
is meant by the name alone; with an argument, or where nothing is published, the table decides:

    cross-subject[:odd | :even | :1,3,5]   those subjects train; without an argument the odd ones
    cross-trial, cross-session, cross-scene[:a,b]   those train; without an argument the first half
    leave-one-subject-out[:3]              a fold for every subject, or the one that tests subject 3
    k-fold[:5][:2]                         subjects in 5 groups, each tests once; or the second fold alone
    file:parts.csv                         a CSV file with the columns clip and part (train or test)
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgehar.data.clip import Recordings
from edgehar.errors import InputError
from edgehar.registry import check


@dataclass(frozen=True)
class Fold:
    """One way to divide clips: train and test are boolean (N,). split: what means this fold alone."""

    split: str
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Split:
    """folds: from recordings, the split's name and its argument ("" for none). apart: of a clip, what no two
    parts may share, or the split leaks; None where nothing is promised."""

    folds: Callable[[Recordings, str, str], tuple[Fold, ...]]
    apart: str | None


def folds(recordings: Recordings, split: str) -> tuple[Fold, ...]:
    """Every fold of a split, at least one. Raises InputError for a split that cannot be."""
    if split in recordings.splits:
        train = np.array([recordings.splits[split](clip) for clip in recordings.clips])
        return (Fold(split, train, ~train),)
    name, _, argument = split.partition(":")
    check("split", name, (*recordings.splits, *SPLITS))
    if name not in SPLITS:
        raise InputError(f"The split {name} of {recordings.name} takes no argument: leave out :{argument}.")
    return SPLITS[name].folds(recordings, name, argument)


def settle(recordings: Recordings, split: str | None) -> str:
    """The split as a plan keeps it: the published default for None; a file with its place and content.

    Raises InputError for a split that cannot be.
    """
    split = split or next(iter(recordings.splits), "cross-subject")
    name, _, argument = split.partition(":")
    if name == "file" and split not in recordings.splits:
        path = Path(argument.partition("#")[0])
        split = f"file:{path.absolute()}#{_content(path)}"
    folds(recordings, split)
    return split


def leak(recordings: Recordings, split: str) -> str | None:
    """What both parts of a split share although its name promises otherwise: half a sentence, else None."""
    name = split.partition(":")[0]
    by = SPLITS[name].apart if name in SPLITS else None
    if by is None:
        return None
    of = np.array(_values(recordings, by))
    for fold in folds(recordings, split):
        if shared := sorted(set(of[fold.train]) & set(of[fold.test]), key=natural):
            shown = ", ".join(shared[:5]) + (", ..." if len(shared) > 5 else "")
            return f"{by} {shown} both train and test"
    return None


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts "2" before "10", and "s2" before "s10"."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _values(recordings: Recordings, by: str) -> list[str]:
    """Each clip's subject, trial, session or scene. Raises InputError where clips name none."""
    values = [str(getattr(clip, by)) for clip in recordings.clips]
    if without := sum(not value for value in values):
        raise InputError(
            f"{recordings.name}: {without} of {len(values)} clips name no {by}, so cross-{by} cannot divide "
            "them: choose another --split."
        )
    return values


def _chosen(recordings: Recordings, argument: str, by: str, known: Iterable[str]) -> list[str]:
    """The names between commas. Raises InputError for one that no clip has."""
    known = sorted(set(known), key=natural)
    names = [name.strip() for name in argument.split(",")]
    for name in names:
        if name not in known:
            raise InputError(f"{recordings.name} has no {by} {name!r}: it has {', '.join(known)}.")
    return names


def _across(recordings: Recordings, name: str, argument: str, *, by: str) -> tuple[Fold, ...]:
    """The clips of some subjects, trials, sessions or scenes train, those of the others test."""
    values = _values(recordings, by)
    known = sorted(set(values), key=natural)
    if by == "subject" and argument in ("", "odd", "even"):
        numbers = [int(v) if v.isdecimal() else rank for rank, v in enumerate(known, 1)]
        train = [v for v, number in zip(known, numbers, strict=True) if number % 2 == (argument != "even")]
    elif argument:
        train = _chosen(recordings, argument, by, known)
    else:
        train = known[: (len(known) + 1) // 2]
    text = f"{name}:{argument}" if argument else name
    chosen = np.isin(values, train)
    return (Fold(text, chosen, ~chosen),)


def _leave_one_out(recordings: Recordings, name: str, argument: str) -> tuple[Fold, ...]:
    values = _values(recordings, "subject")
    known = sorted(set(values), key=natural)
    tested = _chosen(recordings, argument, "subject", known) if argument else known
    if argument and len(tested) > 1:
        raise InputError(f"{name}:{argument} names {len(tested)} subjects: leave out one, or none for all.")
    if len(known) < 2:
        raise InputError(f"{recordings.name} has one subject alone: no other is left to train on.")
    of = np.array(values)
    return tuple(Fold(f"{name}:{subject}", of != subject, of == subject) for subject in tested)


def _k_fold(recordings: Recordings, name: str, argument: str) -> tuple[Fold, ...]:
    """Subjects in k groups of about as many clips, the largest subject first into the smallest group."""
    if not (match := re.fullmatch(r"(\d{1,4})?(?::(\d{1,4}))?", argument)):
        raise InputError(f"{name}:{argument} is no k-fold split: write {name}:5, or {name}:5:2 for one fold.")
    count, only = int(match[1] or 5), int(match[2] or 0)
    values = _values(recordings, "subject")
    sizes = Counter(values)
    if not 2 <= count <= len(sizes) or not 0 <= only <= count:
        raise InputError(
            f"{name}:{argument or count} does not fit {recordings.name}, which has {len(sizes)} subjects: "
            f"choose 2 to {len(sizes)} groups, and of these one fold."
        )
    groups: list[list[str]] = [[] for _ in range(count)]
    for subject in sorted(sizes, key=lambda s: (-sizes[s], natural(s))):
        min(groups, key=lambda group: sum(sizes[s] for s in group)).append(subject)
    tests = [np.isin(values, group) for group in groups]
    made = [Fold(f"{name}:{count}:{number}", ~test, test) for number, test in enumerate(tests, 1)]
    return (made[only - 1],) if only else tuple(made)


def _file(recordings: Recordings, name: str, argument: str) -> tuple[Fold, ...]:
    """As a file says. Clips that it does not name take no part."""
    text, _, content = argument.partition("#")
    path = Path(text)
    if not text:
        raise InputError("--split file needs a path: --split file:parts.csv.")
    if content and content != _content(path):
        raise InputError(f"{path} is not what it was when the run began: put it back, or train again.")
    parts = _read_parts(path)
    known = {clip.id for clip in recordings.clips}
    for clip, (_, line) in parts.items():
        if clip not in known:
            raise InputError(f"{path} line {line}: {recordings.name} has no clip {clip!r}.")
    said = [parts.get(clip.id, ("", 0))[0] for clip in recordings.clips]
    train, test = (np.array([each == part for each in said]) for part in PARTS)
    return (Fold(f"{name}:{argument}", train, test),)


PARTS = ("train", "test")


def _read_parts(path: Path) -> dict[str, tuple[str, int]]:
    """By clip its part and the line that says so."""
    parts: dict[str, tuple[str, int]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"clip", "part"} <= set(rows.fieldnames or ()):
                raise InputError(f"{path} line 1: expected a header with the columns clip and part.")
            for row in rows:
                clip, part = (row["clip"] or "").strip(), (row["part"] or "").strip()
                if part not in PARTS:
                    raise InputError(
                        f"{path} line {rows.line_num}: {part!r} is no part: write train or test."
                    )
                if parts.setdefault(clip, (part, rows.line_num))[0] != part:
                    raise InputError(
                        f"{path} line {rows.line_num}: clip {clip!r} is in both parts: name it once."
                    )
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): name a file as file:parts.csv."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV text ({error}): write clip,part rows in UTF-8.") from None
    return parts


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): name a file as file:parts.csv."
        ) from None


SPLITS: dict[str, Split] = {
    "cross-subject": Split(partial(_across, by="subject"), "subject"),
    "cross-trial": Split(partial(_across, by="trial"), None),
    "cross-session": Split(partial(_across, by="session"), "session"),
    "cross-scene": Split(partial(_across, by="scene"), "scene"),
    "leave-one-subject-out": Split(_leave_one_out, "subject"),
    "k-fold": Split(_k_fold, "subject"),
    "file": Split(_file, "subject"),
}
