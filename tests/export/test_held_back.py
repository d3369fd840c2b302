import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.calibrate import Extremes
from export.exportable import Windows
from export.held_back import HeldBack, by_subject, divide_folds, judge_held_back


def windows_of(labels, subjects=None):
    values = np.arange(len(labels), dtype=np.float32)[:, None, None].repeat(4, 1).repeat(3, 2)
    return Windows(values, np.asarray(labels), None if subjects is None else np.asarray(subjects))


def test_a_subject_is_in_one_fold_alone():
    windows = windows_of([0, 1] * 12, ["ann", "bob", "cy"] * 8)
    folds = divide_folds(windows)
    assert by_subject(windows) and len(folds) == 3
    assert [set(windows.subjects[fold]) for fold in folds] == [{"ann"}, {"bob"}, {"cy"}]


def test_many_subjects_share_five_folds():
    windows = windows_of([0] * 24, [f"s{n % 12}" for n in range(24)])
    folds = divide_folds(windows)
    people = [set(windows.subjects[fold]) for fold in folds]
    assert len(folds) == 5 and sum(map(len, people)) == len(set.union(*people)) == 12


def test_without_subjects_each_class_is_spread_over_the_folds():
    windows = windows_of([0] * 50 + [1] * 25)
    for fold in divide_folds(windows):
        assert np.bincount(windows.labels[fold]).tolist() == [10, 5]


@given(st.lists(st.integers(0, 4), min_size=10, max_size=60), st.booleans(), st.integers(0, 3))
def test_folds_list_every_window_once_and_the_same_each_time(labels, known, seed):
    windows = windows_of(labels, [f"s{label % 3}" for label in labels] if known else None)
    folds = divide_folds(windows, seed=seed)
    assert sorted(np.concatenate(folds)) == list(range(len(labels))) and len(folds) >= 2
    again = divide_folds(windows, seed=seed)
    assert all((one == two).all() for one, two in zip(folds, again, strict=True))


def test_few_windows_cannot_be_spared():
    assert divide_folds(windows_of([0, 1] * 4)) == []


def test_a_fold_is_decided_by_ranges_of_the_others():
    """The quantiser writes what it was told into the file; the file decides 1 on every other window."""
    windows = windows_of([0] * 12, ["ann", "bob", "cy"] * 4)
    folds = divide_folds(windows)
    extremes = [Extremes(("x",), np.full((5, 1), -float(n)), np.full((5, 1), float(n))) for n in range(3)]
    seen = []

    def decide(model, values):
        seen.append((model, values[:, 0, 0].tolist()))
        return np.arange(len(values)) % 2

    held = judge_held_back(windows, np.zeros(12, int), folds, extremes, lambda found: str(found["x"]), decide)
    assert [model for model, _ in seen] == ["(-2.0, 2.0)", "(-2.0, 2.0)", "(-1.0, 1.0)"]
    assert seen[0][1] == [0, 3, 6, 9]
    assert (held.windows, held.folds, held.float_accuracy, held.accuracy) == (12, 3, 1.0, 0.5)
    assert held.lost_points == 50 and not held.within


@pytest.mark.parametrize(("lost", "within"), [(0, True), (1, True), (2, False), (-3, True)])
def test_half_a_point_is_within(lost, within):
    held = HeldBack(200, 5, True, 0.9, (180 - lost) / 200, 0.9)
    assert held.within is within
