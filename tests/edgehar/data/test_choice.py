import numpy as np
import pytest

from edgehar.data.choice import choose_student_stream, choose_teacher_streams, stream_names, student_view
from edgehar.data.clip import Clip, Recordings, Stream
from edgehar.errors import InputError


def recordings(*streams):
    """A clip for each tuple of streams; what a stream holds says which it is."""

    def reader(name):
        return lambda: Stream(np.full((4, 3), len(name), np.float32), 50.0, "m/s^2")

    clips = tuple(Clip(str(n), 0, "1", "1", {s: reader(s) for s in held}) for n, held in enumerate(streams))
    return Recordings("memory", ("one",), clips, {})


BODY = recordings(("depth", "gyro.hip", "acc.wrist", "acc.hip"), ("acc.hip", "skeleton"))


def test_streams_are_listed_kind_by_kind():
    assert stream_names(BODY) == ("acc.wrist", "acc.hip", "gyro.hip", "skeleton", "depth")


@pytest.mark.parametrize(
    ("held", "wanted", "chosen"),
    [
        (("acc",), None, "acc"),
        (("acc", "acc.hip"), None, "acc"),
        (("acc.hip", "gyro"), None, "acc.hip"),
        (("acc.hip", "acc.wrist"), "acc.wrist", "acc.wrist"),
        (("gyro",), None, None),
    ],
)
def test_the_only_accelerometer_is_taken(held, wanted, chosen):
    assert choose_student_stream(recordings(held), wanted) == chosen


def test_several_are_listed_and_a_wrong_one_suggests_the_nearest():
    with pytest.raises(InputError, match=r"acc\.wrist, acc\.hip: choose one with --student-stream"):
        choose_student_stream(BODY, None)
    with pytest.raises(InputError, match=r"Did you mean 'acc\.wrist'"):
        choose_student_stream(BODY, "acc.wirst")


def test_the_chosen_stream_is_called_acc_and_keeps_its_name():
    with pytest.warns(UserWarning, match=r"1 of 2 clips have no acc\.wrist and are left out"):
        chosen = student_view(BODY, "acc.wrist")
    (clip,) = chosen.clips
    assert clip.streams["acc"]().values[0, 0] == clip.streams["acc.wrist"]().values[0, 0] == len("acc.wrist")
    assert chosen.version not in (BODY.version, student_view(BODY, "acc.hip").version)


def test_what_is_called_acc_already_stays_as_it_is():
    plain = recordings(("acc",), ("depth",))
    assert student_view(plain, None) is plain


def test_every_other_sensor_teaches():
    assert choose_teacher_streams(BODY, "acc.wrist", ()) == ("acc.hip", "gyro.hip")
    assert choose_teacher_streams(BODY, "acc.wrist", ("gyro.hip", "gyro.hip")) == ("gyro.hip",)
    with pytest.raises(InputError, match="No sensor called 'depth'"):
        choose_teacher_streams(BODY, "acc.wrist", ("depth",))
    with pytest.raises(InputError, match="no sensor beside acc, so none can teach"):
        choose_teacher_streams(recordings(("acc", "depth")), "acc", ())
