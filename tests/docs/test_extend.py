"""docs/extend.md: its files put where it says, its lines added to the tables, its commands run."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extend.md"
FILE = re.compile(r"^`([\w/]+\.py)`(?:, in `(\w+)`[^\n]*)?:\n\n```python\n(.*?)^```$", re.M | re.S)
TABLES = {
    "LOSSES": "edgehar.losses",
    "DATASETS": "edgehar.data",
    "STUDENTS": "edgehar.models",
    "METHODS": "edgehar.methods",
}
SMALL = shlex.split("--data gestures --preset quick --epochs 2 --teacher-epochs 2 --accelerator cpu --json")


@dataclass(frozen=True)
class Section:
    """files: path -> code. table: its name; entry: the lines for it. commands: words after `edgehar`."""

    files: dict[str, str]
    table: str
    entry: str
    commands: list[list[str]]


def read_section(text: str) -> Section:
    found = FILE.findall(text)
    (table_at,) = [(path, table, code) for path, table, code in found if table]
    assert table_at[0] == TABLES[table_at[1]].replace(".", "/") + "/__init__.py"
    commands = [shlex.split(line)[1:] for line in re.findall(r"^    (edgehar .*)$", text, re.M)]
    return Section({path: code for path, table, code in found if not table}, *table_at[1:], commands)


def sections() -> dict[str, Section]:
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    return {part.splitlines()[0]: read_section(part) for part in parts}


def entry(lines: str) -> dict:
    """What the lines for a table would add to it: their imports run, the rest between braces."""
    tree = ast.parse("\n".join(line for line in lines.splitlines() if line.startswith("from ")))
    rest = "\n".join(line for line in lines.splitlines() if not line.startswith("from "))
    names: dict = {}
    exec(compile(tree, str(PAGE), "exec"), names)
    return eval("{" + rest + "}", names)


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """The page followed to the letter; yields the folder that its recordings were made in."""
    root = tmp_path_factory.mktemp("extended")
    modules = []
    with pytest.MonkeyPatch.context() as patch:
        for section in sections().values():
            for path, code in section.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(code, encoding="utf-8")
                if path.startswith("edgehar/"):
                    modules.append(path.removesuffix(".py").replace("/", "."))
        for name in modules:
            assert importlib.util.find_spec(name) is None, f"{name} is taken: rename it in {PAGE.name}"
            package = importlib.import_module(name.rpartition(".")[0])
            beside = root.joinpath(*package.__name__.split("."))
            patch.setattr(package, "__path__", [*package.__path__, str(beside)])
        importlib.invalidate_caches()
        for section in sections().values():
            table = getattr(importlib.import_module(TABLES[section.table]), section.table)
            for name, value in entry(section.entry).items():
                assert name not in table, f"{name} is taken: rename it in {PAGE.name}"
                patch.setitem(table, name, value)
        patch.chdir(root)
        patch.delenv("EDGEHAR_DATA", raising=False)
        exec(compile((root / "make_gestures.py").read_text(), "make_gestures.py", "exec"), {})
        yield root
    for name in modules:
        package, _, short = name.rpartition(".")
        sys.modules.pop(name, None)
        vars(sys.modules[package]).pop(short, None)


def test_the_page_has_its_four_sections():
    assert [section.table for section in sections().values()] == list(TABLES)
    assert all(section.commands for section in sections().values())


EXPECTED = {
    "A loss": {"loss": "dist", "loss_weights": {"intra": 2.0, "label_smoothing": 0.1}},
    "A data set": {"data": "gestures", "split": "cross-subject", "loss": "dask"},
    "A student": {"student": "acc-patch"},
    "A system": {"method": "relational", "loss": "rkd"},
}


@pytest.mark.parametrize("title", EXPECTED)
def test_its_commands_work(title, added, edgehar):
    """Each on the page's own recordings, two epochs a network; the run is what the page says it is."""
    for number, command in enumerate(sections()[title].commands):
        small = SMALL if "--student" in command else [*SMALL, "--student", "acc-micro"]
        out = added / f"{title}-{number}"
        told = edgehar(*command, *small, "--out", out)
        assert told.exit_code == 0, told.stderr
        metrics = json.loads(told.stdout)
        assert metrics["dataset"] == "gestures"
        assert all(0 <= metrics[who]["accuracy"]["mean"] <= 1 for who in ("baseline", "student"))
        plan = json.loads((out / "config.json").read_text())["plan"]
        assert {name: plan[name] for name in EXPECTED[title]} == EXPECTED[title]
        assert (out / "labels.txt").read_text() == "push\nwave\n"


def test_the_system_brings_its_weights(added, edgehar):
    from edgehar.plan import make_plan

    plan, _ = make_plan(data="gestures", method="relational", preset="quick")
    assert plan.loss_weights == {"distance": 1.0, "angle": 2.0, "label_smoothing": 0.1}


def test_what_was_added_is_listed(added, edgehar):
    listed = json.loads(edgehar("ls", "--json").stdout)
    text = json.dumps(listed)
    assert all(f'"{name}"' in text for name in ("dist", "gestures", "acc-patch", "relational"))


def test_the_loss_is_the_papers(added):
    """A slow loop written from the paper, and 0 for a student that says the same."""
    from edgehar.losses import loss
    from edgehar.models.output import Output

    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(5, 4, generator=generator) for _ in range(2))
    student, teacher = Output(ours, ours), Output(theirs, theirs)
    labels = torch.tensor([0, 1, 2, 3, 0])
    p, q = ((logits / 4).softmax(1) for logits in (ours, theirs))

    def unlike(rows, wanted):
        pairs = zip(rows, wanted, strict=True)
        return sum(1 - torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs) / len(rows)

    wanted = 16 * (unlike(p, q) + 2 * unlike(p.T, q.T))
    said = loss("dist")(student, (teacher,), labels, ce=0.0, intra=2.0)
    torch.testing.assert_close(said, wanted, atol=1e-4, rtol=1e-4)
    assert abs(float(loss("dist")(student, (student,), labels, ce=0.0))) < 1e-4


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("x,y,z\n1,2,nonsense\n", "is no table of numbers"), ("x,y\n1,2\n3,4\n", "expected (samples, 3)")],
)
def test_a_damaged_recording_is_one_sentence(content, sentence, added, edgehar, tmp_path):
    for path in (added / "data" / "gestures").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "wave_2_1.csv").write_text(content)
    told = edgehar("distill", *SMALL, "--data-dir", tmp_path, "--out", tmp_path / "run")
    assert told.exit_code == 2
    assert "wave_2_1.csv" in told.stderr and sentence in told.stderr.replace("\n", " ")
