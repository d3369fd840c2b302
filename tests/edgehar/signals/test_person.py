import numpy as np
import pytest

from edgehar.signals.person import HEADROOM, frame_person, is_cut_out


def figure(height: int, foot: int, middle: int, frames: int = 6, arm: int = 0) -> np.ndarray:
    """A person of `height` rows whose feet are on row `foot`, an arm reaching `arm` columns to the right."""
    video = np.zeros((frames, 120, 80, 1), np.uint8)
    half = max(1, height // 10)
    video[:, foot - height : foot, middle - half : middle + half + 1] = 140
    shoulder = foot - round(0.8 * height)
    video[frames // 2 :, shoulder : shoulder + 4, middle : middle + half + arm] = 120
    return video


@pytest.mark.parametrize(("height", "foot", "middle"), [(60, 115, 40), (80, 118, 40), (40, 90, 30)])
def test_people_of_any_size_at_any_place_come_out_alike(height: int, foot: int, middle: int) -> None:
    framed = frame_person(figure(height, foot, middle))
    rows = np.flatnonzero(framed.any(axis=(0, 2, 3)))
    columns = np.flatnonzero(framed.any(axis=(0, 1, 3)))
    assert rows[-1] + 1 == framed.shape[1]  # the feet are on the lower edge
    assert len(rows) / framed.shape[1] == pytest.approx(1 / HEADROOM, abs=0.03)
    assert columns.mean() / framed.shape[2] == pytest.approx(0.5, abs=0.05)
    assert framed.shape[2] / framed.shape[1] == pytest.approx(80 / 120, abs=0.03)


def test_a_raised_arm_does_not_change_the_box() -> None:
    assert frame_person(figure(60, 115, 40)).shape == frame_person(figure(60, 115, 40, arm=20)).shape


def test_what_lies_outside_the_picture_is_unseen() -> None:
    framed = frame_person(figure(100, 119, 12, arm=20))
    assert framed.shape[1] == round(100 * HEADROOM)
    assert not framed[:, :, :5].any()
    assert set(np.unique(framed)) == {0, 120, 140}


def test_an_empty_video_comes_back_as_it_is() -> None:
    empty = np.zeros((3, 20, 20, 1), np.uint8)
    assert frame_person(empty) is empty


def test_only_depth_with_mostly_nothing_behind_the_person_counts_as_cut_out() -> None:
    assert is_cut_out(figure(60, 115, 40))
    assert not is_cut_out(np.full((2, 8, 8, 1), 200, np.uint8))
    assert not is_cut_out(np.zeros((2, 8, 8, 3), np.uint8))
