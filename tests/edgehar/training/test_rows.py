import pickle

import numpy as np
import pytest

from edgehar.training.rows import Rows, select


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(60, dtype=np.float32).reshape(20, 3))
    return np.lib.format.open_memmap(tmp_path / "a.npy", mode="c")


def test_rows_of_rows_are_what_copying_would_give(mapped):
    keep = np.arange(20) % 3 == 0
    rows, copied = select(mapped, keep, large=0), np.array(mapped)[keep]
    assert isinstance(rows, Rows)
    assert (rows.shape, rows.dtype, len(rows)) == (copied.shape, copied.dtype, len(copied))
    for asked in (slice(2, 5), np.array([4, 0, 4]), copied[:, 0] > 20):
        np.testing.assert_array_equal(rows[asked], copied[asked])
        np.testing.assert_array_equal(select(rows, asked)[:], copied[asked])
    np.testing.assert_array_equal(np.asarray(rows), copied)


def test_what_is_small_or_in_memory_is_copied(mapped):
    keep = np.arange(20) > 4
    assert not isinstance(select(mapped, keep), Rows)
    assert not isinstance(select(np.array(mapped), keep, large=0), Rows)


def test_to_another_process_goes_the_files_name(mapped):
    rows = select(mapped, np.arange(20) > 4, large=0)
    sent = pickle.dumps(rows)
    assert b"a.npy" in sent and np.array(mapped).tobytes() not in sent
    np.testing.assert_array_equal(pickle.loads(sent)[:], np.array(mapped)[5:])


def test_writing_into_what_was_read_changes_nothing_else(mapped):
    rows = select(mapped, np.arange(20) > 4, large=0)
    rows[0:2][:] = 99
    np.testing.assert_array_equal(rows[0], np.array([15, 16, 17], np.float32))
