"""pyproject.toml and constraints.txt agree, and neither ties the package to one machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [*PROJECT["dependencies"], *(text for extra in EXTRAS.values() for text in extra)]
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINS = {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in LINES)}


@pytest.mark.parametrize("line", LINES)
def test_a_constraint_is_a_name_and_a_public_version(line):
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)


def test_torch_is_the_version_that_is_tested():
    assert str(PINS["torch"]) == "2.13.0"


@pytest.mark.parametrize("text", REQUIREMENTS)
def test_every_requirement_is_pinned_within_its_bounds(text):
    requirement = Requirement(text)
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin, prereleases=True)
    assert requirement.url is None


def test_edgehar_itself_is_not_pinned():
    assert "edgehar" not in PINS


def test_the_two_pythons():
    assert PROJECT["requires-python"] == ">=3.11,<3.13"
