"""What README.md and the pages in docs and benchmarks tell people to type can be typed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("benchmarks/*.md"))]


def typed(page, program):
    """Every line of a page's code blocks that starts with `program`, without prompt and comment."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```(?:sh|bash|shell|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(
        r"^(?: {4}|\t)(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.MULTILINE
    )
    lines = "\n".join([*fenced, *indented]).replace("\\\n", " ").splitlines()
    bare = (line.strip().removeprefix("$ ") for line in lines)
    return [line.partition(" #")[0].strip() for line in bare if line.startswith(f"{program} ")]


COMMANDS = [(page.name, line) for page in PAGES for line in typed(page, "edgehar")]
TARGETS = [(page.name, line) for page in PAGES for line in typed(page, "make")]


def test_the_first_screen_has_the_two_commands_and_the_three_verbs():
    first = [line for name, line in COMMANDS + TARGETS if name == "README.md"]
    for line in (
        "make demo",
        "make test",
        "edgehar distill --teacher video --student acc-watch",
        "edgehar export --int8",
        "edgehar bench --device cpu-arm",
    ):
        assert line in first


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_edgehar_line_parses(page, line, parse):
    parse(line.removeprefix("edgehar "))


@pytest.mark.parametrize(("page", "line"), TARGETS)
def test_every_make_line_has_its_target(page, line):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([\w.-]+):", makefile, re.MULTILINE)
    for word in line.split()[1:]:
        assert "=" in word or word in targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
