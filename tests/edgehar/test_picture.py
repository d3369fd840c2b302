from pathlib import Path

import numpy as np
import pytest

from edgehar.picture import draw_confusions

LABELS = ("rest", "wave", "knock")
MATRIX = [[4, 0, 0], [2, 2, 0], [0, 0, 4]]


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return imread(path)[..., :3]


def blue(picture: np.ndarray) -> int:
    """How many pixels are clearly more blue than red."""
    return int((picture[..., 2] - picture[..., 0] > 0.2).sum())


def orange(picture: np.ndarray) -> int:
    return int((picture[..., 0] - picture[..., 2] > 0.2).sum())


def test_what_is_right_is_blue_and_what_is_wrong_orange(tmp_path):
    draw_confusions({"student": MATRIX}, LABELS, "a run", tmp_path / "a.png")
    both = pixels(tmp_path / "a.png")
    # Three cells of a row, a column each, are right and one is wrong: about three times as many pixels.
    assert blue(both) == pytest.approx(3 * orange(both), rel=0.2)
    draw_confusions({"student": np.diag([4, 4, 4])}, LABELS, "a run", tmp_path / "b.png")
    assert orange(pixels(tmp_path / "b.png")) == 0
    draw_confusions({"student": [[0, 4, 0], [4, 0, 0], [0, 4, 0]]}, LABELS, "a run", tmp_path / "c.png")
    wrong = pixels(tmp_path / "c.png")
    assert orange(wrong) == pytest.approx(3 * orange(both), rel=0.2)


def test_two_networks_stand_side_by_side(tmp_path):
    draw_confusions({"student": MATRIX}, LABELS, "a run", tmp_path / "one.png")
    draw_confusions({"student": MATRIX, "baseline": MATRIX}, LABELS, "a run", tmp_path / "two.png")
    one, two = pixels(tmp_path / "one.png"), pixels(tmp_path / "two.png")
    assert two.shape[0] == one.shape[0]
    assert two.shape[1] > 1.6 * one.shape[1]


def test_more_classes_make_a_larger_picture_and_none_without_clips_breaks_it(tmp_path):
    labels = [f"action {number}" for number in range(40)]
    draw_confusions({"a": np.zeros((40, 40), int)}, labels, "t", tmp_path / "many.png")
    draw_confusions({"a": MATRIX}, LABELS, "t", tmp_path / "few.png")
    assert pixels(tmp_path / "many.png").shape[0] > 2 * pixels(tmp_path / "few.png").shape[0]


def test_equal_figures_draw_equal_pictures_and_leave_nothing_else(tmp_path):
    for name in ("a", "b"):
        draw_confusions({"student": MATRIX}, LABELS, "a run", tmp_path / "deep" / f"{name}.png")
    first, second = (path.read_bytes() for path in sorted((tmp_path / "deep").iterdir()))
    assert first == second
