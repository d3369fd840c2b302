import math

import numpy as np
import pytest

from edgehar.evaluation import Confusion, Scores, by_clip, recall, score, summary, vote, worst_confusions
from edgehar.training.batches import Clips

# Ten decisions by hand. Class 0: 3 clips, 2 found, 1 false. Class 1: 4 clips, 3 found, 1 false.
# Class 2: 3 clips, 2 found, 1 false.
TRUE = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
SAID = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 0])
SUBJECTS = ["a", "a", "b", "b", "a", "a", "b", "b", "b", "b"]


def test_accuracy_confusion_and_subjects_by_hand():
    scores = score(SAID, TRUE, SUBJECTS, 3)
    assert scores.accuracy == pytest.approx(7 / 10)
    assert scores.confusion == [[2, 1, 0], [0, 3, 1], [1, 0, 2]]
    assert scores.per_subject == {"a": pytest.approx(4 / 4), "b": pytest.approx(3 / 6)}


def test_macro_f1_by_hand():
    """F1 = 2 TP / (2 TP + FP + FN): 4/6, 6/8, 4/6."""
    assert score(SAID, TRUE, SUBJECTS, 3).macro_f1 == pytest.approx((4 / 6 + 6 / 8 + 4 / 6) / 3)


def test_a_class_that_nobody_showed_and_nobody_said_does_not_count():
    scores = score(SAID, TRUE, SUBJECTS, 5)
    assert scores.macro_f1 == pytest.approx((4 / 6 + 6 / 8 + 4 / 6) / 3)
    assert np.array(scores.confusion).shape == (5, 5)


def test_a_class_that_was_only_said_counts_as_zero():
    scores = score(np.array([0, 1]), np.array([0, 0]), ["a", "a"], 2)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_rows_of_the_confusion_are_the_true_classes():
    assert score(np.array([1]), np.array([0]), ["a"], 2).confusion == [[0, 1], [0, 0]]


def test_all_right_and_all_wrong():
    assert score(TRUE, TRUE, SUBJECTS, 3).accuracy == 1.0
    wrong = score((TRUE + 1) % 3, TRUE, SUBJECTS, 3)
    assert (wrong.accuracy, wrong.macro_f1) == (0.0, 0.0)


def test_recall_by_hand_and_unknown_for_a_class_without_a_clip():
    scores = score(SAID, TRUE, SUBJECTS, 4)
    assert recall(scores, "abcd") == {
        "a": pytest.approx(2 / 3),
        "b": pytest.approx(3 / 4),
        "c": pytest.approx(2 / 3),
        "d": None,
    }


def test_the_worst_confusion_comes_first_and_what_is_right_is_none():
    scores = Scores(0, 0, {}, [[5, 0, 1], [3, 1, 0], [0, 2, 8]])
    assert worst_confusions(scores, "abc") == (
        Confusion("b", "a", 3, 3 / 4),
        Confusion("c", "b", 2, 2 / 10),
        Confusion("a", "c", 1, 1 / 6),
    )
    assert worst_confusions(scores, "abc", most=1) == (Confusion("b", "a", 3, 3 / 4),)
    assert scores.confusion == [[5, 0, 1], [3, 1, 0], [0, 2, 8]]  # not changed by the asking


def test_a_network_that_is_always_right_confuses_nothing():
    assert worst_confusions(score(TRUE, TRUE, SUBJECTS, 3), "abc") == ()


def scores_of(accuracy, macro_f1):
    return Scores(accuracy, macro_f1, {}, [])


def test_spread_is_with_n_minus_one():
    told = summary([scores_of(0.8, 0.5), scores_of(0.9, 0.5), scores_of(1.0, 0.8)])
    assert told["accuracy"] == {
        "per_seed": [0.8, 0.9, 1.0],
        "mean": pytest.approx(0.9),
        "std": pytest.approx(0.1),
    }
    assert told["macro_f1"]["std"] == pytest.approx(math.sqrt(0.03))
    assert told["macro_f1"]["mean"] == pytest.approx(0.6)


def test_one_seed_has_no_spread():
    told = summary([scores_of(0.8, 0.7)])
    assert told == {
        "accuracy": {"per_seed": [0.8], "mean": 0.8, "std": None},
        "macro_f1": {"per_seed": [0.7], "mean": 0.7, "std": None},
    }


def test_two_equal_seeds_have_a_spread_of_zero():
    assert summary([scores_of(0.5, 0.5)] * 2)["accuracy"]["std"] == 0.0


def test_the_windows_of_a_clip_vote():
    """Three clips, worked by hand: a majority, a tie that the first one said wins, one window alone."""
    said, of = np.array([2, 1, 1, 3, 0, 0, 3, 4]), np.array([0, 0, 0, 5, 5, 5, 5, 6])
    assert vote(said, of).tolist() == [1, 3, 4]
    labels, subjects = np.array([1, 1, 1, 0, 0, 0, 0, 4]), np.array(list("aaabbbbc"))
    clips = Clips({}, labels, subjects, 5, of)
    whole, true, people = by_clip(said, clips)
    assert (whole.tolist(), true.tolist(), people) == ([1, 3, 4], [1, 0, 4], ["a", "b", "c"])
    assert clips.clips == 3


def test_whole_clips_need_no_vote():
    clips = Clips({}, np.array([1, 0]), np.array(["a", "b"]), 2)
    said, true, people = by_clip(np.array([0, 1]), clips)
    assert (said.tolist(), true.tolist(), people, clips.clips) == ([0, 1], [1, 0], ["a", "b"], 2)
