"""An ablation from end to end on a tiny UTD-MHAD: stopped, taken up, skipped, refused, beside the paper."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

TINY = ("--preset", "quick", "--student", "acc-micro", "--epochs", "2", "--seed", "3", "1")
FIRST = ("--teacher-epochs", "2")


@pytest.fixture(scope="module")
def call(benchmark, utd_mhad):
    """`call("schedule", ...)`: the script's main on the tiny recordings; exit code, stdout, stderr."""
    ablations = benchmark("ablations")

    def called(*arguments):
        words = [str(word) for word in (*arguments, "--data-dir", utd_mhad)]
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            code = ablations.main(words)
        return SimpleNamespace(code=code, stdout=out.getvalue(), stderr=err.getvalue())

    return called


def written(folder: Path) -> dict[str, int]:
    """When each file of the rows' runs was last written."""
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and p.suffix != ".png"}


@pytest.fixture(scope="module")
def stopped(call, tmp_path_factory):
    """`schedule`, stopped by Ctrl-C in the second row's second seed, and given again."""
    out = tmp_path_factory.mktemp("schedule") / "rows"
    import edgehar.experiment

    train = edgehar.experiment.train

    def interrupted(module, batches, checkpoint, machine, title):
        if title == "together, seed 1":
            raise KeyboardInterrupt
        return train(module, batches, checkpoint, machine, title)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(out.parent / "cache"))
        patch.setattr(edgehar.experiment, "train", interrupted)
        first = call("schedule", *TINY, *FIRST, "--out", out)
        left = written(out)
        patch.undo()
        patch.setenv("EDGEHAR_CACHE", str(out.parent / "cache"))
        second = call("schedule", *TINY, *FIRST, "--out", out, "--json")
    return SimpleNamespace(out=out, first=first, left=left, second=second)


def test_ctrl_c_ends_with_130_and_loses_no_row(stopped):
    assert (stopped.first.code, stopped.first.stdout) == (130, "")
    assert "Traceback" not in stopped.first.stderr
    kept = {Path(path).relative_to(stopped.out).as_posix() for path in stopped.left}
    assert "pretrained/metrics.json" in kept
    assert "progressive/metrics.json" not in kept
    assert "progressive/seed-3/student.safetensors" in kept


def test_given_again_it_goes_on_where_it_stopped(stopped):
    assert stopped.second.code == 0, stopped.second.stderr
    assert "Row 1 of 2, pretrained: finished before, skipped" in stopped.second.stderr
    assert "Row 2 of 2, progressive: begun before, taken up" in stopped.second.stderr
    now = written(stopped.out)
    kept = {path: at for path, at in stopped.left.items() if not path.endswith("log.csv")}
    assert {path: now[path] for path in kept} == kept


def test_json_is_the_rows_beside_the_paper_and_the_comparison(stopped):
    told = json.loads(stopped.second.stdout)
    assert (told["schema"], told["ablation"]) == (1, "schedule")
    papers = {row["row"]: (row["paper_accuracy"], row["paper_f1"]) for row in told["rows"]}
    assert papers["pretrained"] == (None, None)
    assert papers["progressive"] == (pytest.approx(0.9519), pytest.approx(0.9567))
    for row, line in zip(told["rows"], told["comparison"]["runs"], strict=True):
        metrics = json.loads((stopped.out / row["row"] / "metrics.json").read_text())
        assert line["run"] == str(stopped.out / row["row"])
        assert line["seeds"] == metrics["seeds"] == [3, 1]
        assert row["accuracy"] == metrics["student"]["accuracy"]
        assert row["macro_f1"] == metrics["student"]["macro_f1"]
    first, second = told["comparison"]["runs"]
    assert first["over_first"] is None
    assert second["over_first"]["seeds"] == [1, 3]
    assert "does not state" in told["note"] and "0.37 to 0.62" in told["note"]
    assert told["comparison"]["picture"] == str(stopped.out / "comparison.png")
    assert (stopped.out / "comparison.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_what_is_finished_is_shown_again_without_training(stopped, call):
    before = written(stopped.out)
    ended = call("schedule", *TINY, *FIRST, "--out", stopped.out)
    assert ended.code == 0
    assert written(stopped.out) == before
    assert ended.stderr.count("skipped") == 2
    student = json.loads((stopped.out / "progressive" / "metrics.json").read_text())["student"]
    (line,) = [line for line in ended.stdout.splitlines() if "95.19%" in line]
    assert f"{student['accuracy']['mean']:.2%}".rstrip("%") in line
    assert f"{student['macro_f1']['mean']:.2%}".rstrip("%") in line
    assert "95.67%" in line
    assert "over the first" in ended.stdout
    assert str(stopped.out / "comparison.png") in ended.stdout.replace("\n", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seed", "5"), ["seeds [3, 1] (now [3, 1, 5])"]),
        (("--epochs", "3"), ["student_recipe.epochs 2 (now 3)"]),
        (("--teacher-epochs", "4"), ["teacher_recipe.epochs 2 (now 4)"]),
        (("--hold-out", "1"), ["hold_out None (now 1)"]),
        (("--student", "acc-watch"), ["student acc-micro (now acc-watch)"]),
    ],
)
def test_a_row_of_other_options_is_refused_in_one_sentence(stopped, call, options, words):
    before = written(stopped.out)
    ended = call("schedule", *TINY, *FIRST, *options, "--out", stopped.out)
    assert (ended.code, ended.stdout) == (2, "")
    sentence = ended.stderr.splitlines()[-1]
    assert sentence.startswith(f"{stopped.out / 'pretrained'} was begun with ")
    for word in (*words, "another --out"):
        assert word in sentence
    assert written(stopped.out) == before


def test_a_last_row_of_other_options_is_refused_before_the_first_is_trained(stopped, call, tmp_path):
    (tmp_path / "progressive").symlink_to(stopped.out / "progressive")
    ended = call("schedule", *TINY, "--epochs", "3", "--out", tmp_path)
    assert ended.code == 2
    assert (
        f"{tmp_path / 'progressive'} was begun with teacher_recipe.epochs 2 (now 3), student_recipe"
        in ended.stderr
    )
    assert [path.name for path in tmp_path.iterdir()] == ["progressive"]


def test_a_row_costs_the_student_alone(call, benchmark, tmp_path, monkeypatch):
    """Two rows, two seeds: one teacher, one bank and two baselines are made, and four students."""
    ablations, cache = benchmark("ablations"), tmp_path / "cache"
    monkeypatch.setenv("EDGEHAR_CACHE", str(cache))
    whole = ablations.ABLATIONS["pskd-losses"]
    rows = {row: whole.rows[row] for row in ("acs-without-semantic", "fitnet")}
    some = replace(whole, options={**whole.options, "teacher": "skeleton"}, rows=rows)
    monkeypatch.setitem(ablations.ABLATIONS, "pskd-losses", some)
    ended = call("pskd-losses", *TINY, *FIRST, "--out", tmp_path / "rows")
    assert ended.code == 0, ended.stderr
    trained = sorted(path.name.rpartition("-")[0] for path in (cache / "trained").iterdir())
    assert trained == ["baseline", "baseline", "teacher-skeleton"]
    assert len(list((cache / "banks").iterdir())) == 1
    of = {name: set() for name in ("teacher-skeleton", "student")}
    for name, kinds in of.items():
        kinds |= {path.read_bytes() for path in (tmp_path / "rows").rglob(f"{name}.safetensors")}
    assert (len(of["teacher-skeleton"]), len(of["student"])) == (1, 4)
    (line,) = [line for line in ended.stdout.splitlines() if "94.03%" in line]
    assert "fitnet" in line


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("every", "--teacher-epochs", "3"), "--teacher-epochs has no place in the schedule progressive"),
        (("schedule", "--student", "acc-wach"), "Did you mean 'acc-watch'"),
        (("schedule", "--seed", "1", "1"), "name one twice"),
        (("vskd-losses", "--data", "utd-mhat"), "No data set called 'utd-mhat'"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(call, tmp_path, words, sentence):
    ended = call(*words, "--out", tmp_path / "rows")
    assert (ended.code, ended.stdout) == (2, "")
    assert sentence in ended.stderr.splitlines()[-1]
    assert not (tmp_path / "rows").exists()


def test_on_other_data_no_figure_of_the_papers_is_shown(benchmark, stopped):
    ablations = benchmark("ablations")
    row = ablations.ABLATIONS["schedule"].rows["progressive"]
    beside = ablations.beside_paper("progressive", ablations.Run(stopped.out / "progressive"), row, False)
    assert (beside.paper_accuracy, beside.paper_f1) == (None, None)
    assert "no figure of it stands beside these" in ablations.note(ablations.ABLATIONS["schedule"], False)


def test_the_help_tells_every_name(benchmark, capsys):
    ablations = benchmark("ablations")
    with pytest.raises(SystemExit) as ended:
        ablations.main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(f"\n    {name} " in told for name in ablations.ABLATIONS)
    with pytest.raises(SystemExit) as ended:
        ablations.main(["pskd-loses"])
    assert ended.value.code == 2
