"""What `edgehar bench`'s options are checked for before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgehar.cli.bench_options import Means, check_picture, find_means
from edgehar.errors import InputError
from firmware_sim.costs import DEFAULT, default_calibration
from firmware_sim.errors import SimError


def test_without_a_file_the_calibration_is_ours() -> None:
    assert find_means(None, True, None) == Means(None, True, None)
    assert find_means(DEFAULT, False, Path("b")) == Means(default_calibration(), False, Path("b"))


def test_a_calibration_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="cannot be read"):
        find_means(tmp_path / "absent.json", False, None)


def test_pictures_are_of_three_kinds() -> None:
    for name in (None, Path("a.png"), Path("a.svg"), Path("a.pdf")):
        check_picture(name)
    with pytest.raises(InputError, match=r"a\.jpg: give a file that ends with \.png, \.svg, \.pdf"):
        check_picture(Path("a.jpg"))
