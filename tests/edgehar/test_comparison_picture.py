from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgehar.comparison_picture import draw_gains
from edgehar.paired import Gain, PerSeed, paired_gain, per_seed


@dataclass(frozen=True)
class Line:
    baseline: PerSeed
    student: PerSeed
    gain: Gain


def line(baseline, student):
    by_seed = (dict(enumerate(values)) for values in (student, baseline))
    return Line(per_seed(baseline), per_seed(student), paired_gain(*by_seed))


GAINS = line([0.80, 0.82, 0.81], [0.85, 0.88, 0.88])
LOSES = line([0.85, 0.88, 0.88], [0.80, 0.82, 0.81])
ONE_SEED = line([0.8], [0.85])


def gains_panel(path: Path) -> np.ndarray:
    """The right half of a picture, without the legend below."""
    from matplotlib.image import imread

    whole = imread(path)[..., :3]
    return whole[: -whole.shape[0] // 4, whole.shape[1] * 6 // 10 :]


def blue(picture: np.ndarray) -> int:
    return int((picture[..., 2] - picture[..., 0] > 0.2).sum())


def orange(picture: np.ndarray) -> int:
    return int((picture[..., 0] - picture[..., 2] > 0.2).sum())


def drawn(lines, path):
    draw_gains(lines, "a title", "accuracy", path)
    return gains_panel(path)


def test_a_gain_is_blue_and_a_loss_orange(tmp_path):
    up, down = drawn({"a": GAINS}, tmp_path / "up.png"), drawn({"a": LOSES}, tmp_path / "down.png")
    assert blue(up) > 100
    assert orange(up) == 0
    assert orange(down) > 100
    assert blue(down) == 0


def test_no_gain_has_neither_colour(tmp_path):
    panel = drawn({"a": line([0.8, 0.9], [0.9, 0.8])}, tmp_path / "a.png")
    assert blue(panel) + orange(panel) == 0


def test_the_interval_is_as_long_as_it_is(tmp_path):
    """Of two lines on one scale the one with three times the spread has three times the interval."""
    narrow, wide = line([0.5] * 3, [0.59, 0.60, 0.61]), line([0.5] * 3, [0.57, 0.60, 0.63])
    panel = drawn({"narrow": narrow, "wide": wide}, tmp_path / "a.png")
    is_blue = panel[..., 2] - panel[..., 0] > 0.2
    longest = [int(half.sum(1).max()) for half in np.array_split(is_blue, 2)]
    assert longest[1] == pytest.approx(3 * longest[0], rel=0.05)


def test_one_seed_is_drawn_without_an_interval(tmp_path):
    one, three = drawn({"a": ONE_SEED}, tmp_path / "one.png"), drawn({"a": GAINS}, tmp_path / "three.png")
    assert 0 < blue(one) < blue(three) / 2


def test_more_lines_make_a_taller_picture(tmp_path):
    few = drawn({"a": GAINS}, tmp_path / "few.png")
    many = drawn({f"action {i}": GAINS for i in range(27)}, tmp_path / "many.png")
    assert many.shape[0] > 4 * few.shape[0]


def test_equal_figures_draw_equal_pictures_and_leave_nothing_else(tmp_path):
    for name in ("a", "b"):
        draw_gains(
            {"run": GAINS, "other\n(its split)": ONE_SEED}, "t", "accuracy", tmp_path / "in" / f"{name}.png"
        )
    first, second = (path.read_bytes() for path in sorted((tmp_path / "in").iterdir()))
    assert first == second
