import numpy as np
import pytest

from edgehar.data.prepare import prepare
from edgehar.data.utd_mhad import read
from edgehar.errors import InputError
from edgehar.plan import make_plan
from edgehar.training.parts import read_parts


@pytest.fixture(scope="module")
def planned(utd_mhad):
    return make_plan(data="utd-mhad", data_dir=str(utd_mhad), preset="quick")


def test_the_parts_are_the_splits_with_their_labels_and_subjects(planned):
    plan, recordings = planned
    parts = read_parts(plan, ["acc"])
    assert set(parts) == {"train", "test"}
    assert set(parts["train"].subjects) == {"1", "3"}
    assert set(parts["test"].subjects) == {"2", "4"}
    assert len(parts["train"]) == len(parts["test"]) == 16
    assert parts["train"].classes == 27
    assert parts["train"].labels.dtype == np.int64
    for part, train in (("train", True), ("test", False)):
        chosen = [c for c in recordings.clips if recordings.splits["cross-subject"](c) == train]
        assert parts[part].labels.tolist() == [clip.label for clip in chosen]


def test_row_i_of_every_stream_is_one_clip(planned, utd_mhad):
    plan, recordings = planned
    parts = read_parts(plan, ["acc", "depth", "skeleton"], recordings=recordings)
    whole = {name: prepare(read(utd_mhad), name, plan.shape) for name in ("acc", "depth", "skeleton")}
    train = np.array([clip.subject in "13" for clip in recordings.clips])
    for name, values in whole.items():
        np.testing.assert_array_equal(parts["train"].arrays[name], values[train])
        np.testing.assert_array_equal(parts["test"].arrays[name], values[~train])


def test_a_stream_named_twice_is_prepared_once(planned):
    titles = []

    def progress(items, title, total):
        titles.append(title)
        return items

    plan, recordings = planned
    renamed = type(recordings)("again", recordings.labels, recordings.clips, recordings.splits)
    read_parts(plan, ["acc", "gyro", "acc"], progress, renamed)
    assert titles == ["Preparing acc", "Preparing gyro"]


def test_a_stream_that_no_clip_has_is_said(planned):
    with pytest.raises(InputError, match="32 of 32 clips have no rgb"):
        read_parts(planned[0], ["acc", "rgb"])


def test_the_split_is_checked_before_anything_is_prepared(utd_mhad, own_cache):
    plan, recordings = make_plan(data="utd-mhad", data_dir=str(utd_mhad), hold_out="2")
    with pytest.raises(InputError, match="hold out one of 1, 3"):
        read_parts(plan, ["acc"], recordings=recordings)
    assert not own_cache.exists()
