import json
from pathlib import Path

import pytest

from edgehar.cli.demo import Outcome, Row, view
from edgehar.cli.output import show

OUTCOME = Outcome(
    schema=1,
    run="runs/a",
    tflite="runs/a/export/student.int8.tflite",
    seconds=100.0,
    rows=(
        Row("teacher (depth)", 0.9, 400_000, {}),
        Row("student (acc-watch)", 0.75, 240_640, {"cpu-arm": 1.25, "host": 0.0505}),
        Row("student, int8 (acc-watch)", 0.745, 71_680, {"cpu-arm": None, "host": 0.0301}),
    ),
)


def test_the_table_has_a_row_for_each_network_and_the_path_last(capsys):
    show(OUTCOME, False, view)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == "runs/a/export/student.int8.tflite"
    teacher, student, int8 = (next(line for line in lines if row.name in line) for row in OUTCOME.rows)
    assert [cell.strip() for cell in teacher.split("│")[2:-1]] == ["90.0%", "390.6 KiB", "-", "-"]
    assert [cell.strip() for cell in student.split("│")[2:-1]] == [
        "75.0%",
        "235.0 KiB",
        "1.25 ms",
        "0.0505 ms",
    ]
    assert [cell.strip() for cell in int8.split("│")[2:-1]] == ["74.5%", "70.0 KiB", "-", "0.0301 ms"]


@pytest.mark.slow
def test_the_three_steps_end_with_figures_of_every_network(edgehar_cli, tmp_path):
    """The real command, in a process of its own, in an empty folder: what `make demo` shows."""
    told = edgehar_cli("demo", "--json")
    outcome = json.loads(told.stdout)
    assert told.exit_code == 0, told.stderr
    teacher, _, student, int8 = outcome["rows"]
    assert teacher["name"] == "teacher (depth)"
    assert all(0.2 < row["accuracy"] < 1 for row in outcome["rows"])
    assert int8["bytes"] < student["bytes"]
    assert int8["bytes"] <= 100 * 1024
    for row in (student, int8):
        assert set(row["latency_ms"]) == {"cpu-arm", "host"}
        assert all(value > 0 for value in row["latency_ms"].values())
    assert (tmp_path / outcome["tflite"]).read_bytes()[4:8] == b"TFL3"
    reports = {path.name for path in (tmp_path / outcome["run"] / "bench").iterdir()}
    assert reports == {
        f"{stem}@{device}.json" for stem in ("student", "student.int8") for device in ("cpu-arm", "host")
    }
    assert Path(outcome["run"]).parent == Path("runs")
