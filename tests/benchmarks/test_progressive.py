"""What `benchmarks/progressive.py` compares is the same work, and its bar is an exit code."""

from __future__ import annotations

import json

import pytest
import torch


@pytest.fixture
def progressive(benchmark):
    return benchmark("progressive")


@pytest.fixture(autouse=True)
def one_thread():
    """As the script does, and as it was again: sums of several threads may differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_pair_of_turns_is_timed_beside_its_parts(progressive):
    found = progressive.measure(1, 40)
    assert found["pairs"] == found["steps_per_epoch"] == 1
    parts = [found[f"{part}_ms"] for part in ("drawing", "skeleton", "fusion", "asking", "student")]
    assert all(part > 0 for part in parts)
    assert sum(parts) == pytest.approx(found["parts_cpu_ms"])
    assert found["overhead"] == pytest.approx(found["together_cpu_ms"] / found["parts_cpu_ms"] - 1)


def test_parts_that_do_other_work_are_noticed(progressive, monkeypatch):
    """As if each teacher's answers were taken for the other's."""
    answers = progressive.Parts.answers
    monkeypatch.setattr(progressive.Parts, "answers", lambda self, batch: answers(self, batch)[::-1])
    with pytest.raises(SystemExit, match="did not do the same work"):
        progressive.measure(1, 40)


@pytest.mark.parametrize(("overhead", "code"), [(0.02, 0), (0.11, 1)])
def test_above_the_bar_it_exits_with_1(progressive, monkeypatch, capsys, overhead, code):
    names = ("together_cpu_ms", "parts_cpu_ms", "drawing_ms", "skeleton_ms", "fusion_ms", "asking_ms")
    found = dict.fromkeys((*names, "student_ms"), 1.0) | {"overhead": overhead, "bar": 0.1}
    monkeypatch.setattr(progressive, "measure", lambda pairs: found)
    monkeypatch.setattr("sys.argv", ["progressive.py"])
    assert progressive.main() == code
    assert f"overhead {overhead:.1%} (bar 10%)" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["progressive.py", "--json"])
    assert progressive.main() == code
    assert json.loads(capsys.readouterr().out) == found
