"""Streams by name: one candidate is taken, several are listed, and what is named is what is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgehar.data.choose import candidates, check_streams, choose_streams, felt_streams, with_labels
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.errors import InputError


def recordings(*streams: str, labels=("sit", "walk")) -> Recordings:
    """Four clips; a stream's values are the place of its name among `streams`."""
    readers = {
        name: lambda at=at: Stream(np.full((4, 3), at, np.float32), 50.0, "m/s^2")
        for at, name in enumerate(streams)
    }
    clips = tuple(Clip(f"c{i}", i % 2, str(i), "1", readers) for i in range(4))
    return Recordings("own", labels, clips, {"cross-subject": lambda clip: clip.subject in "02"}, "v")


def value(found: Recordings, name: str) -> float:
    return float(found.clips[0].streams[name]().values[0, 0])


def test_plain_names_are_left_alone():
    plain = recordings("acc", "skeleton")
    assert choose_streams(plain) is plain


def test_the_only_candidate_is_taken_and_keeps_its_name():
    found = choose_streams(recordings("acc.wrist", "rgb.front"))
    assert value(found, "acc") == value(found, "acc.wrist") == 0
    assert value(found, "rgb") == 1
    assert found.version != "v"


def test_what_is_named_is_read():
    both = recordings("acc.left", "acc.right", "rgb.front", "rgb.side")
    found = choose_streams(both, "acc.right", ("rgb.side",))
    assert (value(found, "acc"), value(found, "rgb")) == (1, 3)
    other = choose_streams(both, "acc.left", ("rgb.side",))
    assert value(other, "acc") == 0
    assert len({found.version, other.version, both.version}) == 3


def test_several_are_listed_until_one_is_named():
    found = choose_streams(recordings("acc.left", "acc.right"))
    assert candidates(found, "acc") == ("acc.left", "acc.right")
    with pytest.raises(InputError, match=r"--student-stream, one of acc.left, acc.right"):
        check_streams(found, ("acc",), "the student acc-watch")
    cameras = choose_streams(recordings("acc", "rgb.front", "rgb.side"))
    with pytest.raises(InputError, match=r"--teacher-streams, one of rgb.front, rgb.side"):
        check_streams(cameras, ("rgb",), "the teacher rgb")


def test_two_of_one_kind_cannot_be_looked_at():
    with pytest.raises(InputError, match=r"names rgb.front and rgb.side, and one rgb is taken"):
        choose_streams(recordings("acc", "rgb.front", "rgb.side"), None, ("rgb.front", "rgb.side"))


def test_sensors_of_teachers_keep_their_names():
    found = choose_streams(recordings("acc.left", "acc.right"), "acc.left", ("acc.right",))
    assert (value(found, "acc"), value(found, "acc.right")) == (0, 1)


def test_labels_are_numbered_as_a_student_knows_them():
    known = ("jump", "sit", "walk")
    found = with_labels(recordings("acc"), known)
    assert found.labels == known
    assert [clip.label for clip in found.clips] == [1, 2, 1, 2]
    strange = recordings("acc", labels=("sit", "swim"))
    assert with_labels(strange, known) is strange


@pytest.mark.parametrize(
    ("student", "named", "felt"),
    [
        ("acc.wrist", (), ("acc.hip", "gyro.hip")),
        ("acc.wrist", ("gyro.hip", "gyro.hip"), ("gyro.hip",)),
        ("acc.wrist", ("rgb.front",), ("rgb.front", "acc.hip", "gyro.hip")),
        (None, (), ("gyro.hip",)),
    ],
)
def test_a_teacher_of_sensors_feels_what_is_named_else_all_but_the_students(student, named, felt):
    body = recordings("acc.wrist", "acc.hip", "gyro.hip", "rgb.front")
    assert felt_streams(body, student, named) == felt


def test_a_lone_sensor_has_nobody_to_teach_it():
    with pytest.raises(InputError, match="no sensor beside the student's"):
        felt_streams(recordings("acc.wrist", "rgb"), None, ())


def test_clips_without_the_students_sensor_are_left_out_aloud():
    two = recordings("acc.watch", "acc.phone")
    lacking = replace(two.clips[0], streams={"acc.phone": two.clips[0].streams["acc.phone"]})
    mixed = replace(two, clips=(lacking, *two.clips[1:]))
    with pytest.warns(UserWarning, match=r"1 of 4 clips have no acc\.watch and are left out"):
        assert len(choose_streams(mixed, "acc.watch").clips) == 3
