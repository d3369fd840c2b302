import numpy as np
import pytest

from export.errors import ExportError
from export.exportable import Windows, float_contract, from_run


def test_a_run_becomes_what_is_exported(small_run, conv_student, tmp_path):
    source = from_run(small_run(tmp_path, conv_student), 1)
    assert source.seed == 1 and source.shape == (64, 3) and source.origin == str(tmp_path)
    assert source.contract.labels[3] == "größer" and source.contract.output.shape == (1, 4)
    assert (len(source.train), len(source.test)) == (240, 120)
    assert set(source.train.subjects) == {"train-0", "train-1", "train-2"}
    assert from_run(small_run(tmp_path, conv_student)).seed == 0


def test_labels_that_do_not_match_are_told(small_run, conv_student, tmp_path):
    with pytest.raises(ExportError, match=r"labels\.txt has 2 names, the student gives 4 scores"):
        from_run(small_run(tmp_path, conv_student, labels=("a", "b")))


def test_chosen_windows_keep_their_labels_and_subjects():
    windows = Windows(np.arange(4.0)[:, None, None], np.arange(4), np.array(list("abcd")))
    some = windows.only(np.array([3, 1]))
    assert some.values[:, 0, 0].tolist() == [3, 1]
    assert some.labels.tolist() == [3, 1] and some.subjects.tolist() == ["d", "b"]
    assert Windows(windows.values, windows.labels).only(np.array([0])).subjects is None


def test_a_contract_of_other_channels():
    contract = float_contract(("a", "b"), 50, student="mine", framing="window", rate_hz=25.0, channels=6)
    assert contract.input.shape == (1, 50, 6) and contract.output.shape == (1, 2)
