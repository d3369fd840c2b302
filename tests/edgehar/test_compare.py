import json
import shutil

import pytest

from edgehar.compare import compare_runs, read_accuracies
from edgehar.errors import InputError
from edgehar.runs import open_run


@pytest.fixture
def runs(write_run, tmp_path):
    """`runs({...}, {...})`: a finished run for each, as `compare_runs` takes them."""

    def make(*options):
        return [open_run(write_run(tmp_path / f"run{i}", **given)) for i, given in enumerate(options)]

    return make


A = {"baseline": [0.90, 0.92, 0.91], "student": [0.91, 0.94, 0.94], "depth": [0.8, 0.9, 0.7]}
B = {"baseline": [0.80, 0.82], "student": [0.92, 0.98], "seeds": [2, 0], "name": "acc-micro"}


def test_a_line_holds_what_the_run_is_and_what_its_student_gains(runs):
    told = compare_runs(runs(A))
    assert (told.schema, told.level, told.dataset, told.warnings) == (1, 0.9, "utd-mhad", ())
    (row,) = told.runs
    assert (row.method, row.student_name, row.loss) == ("vskd", "acc-watch", "dask")
    assert (row.split, row.seeds) == ("cross-subject", (0, 1, 2))
    assert row.teachers["depth"].mean == pytest.approx(0.8)
    assert row.baseline.mean == pytest.approx(0.91)
    assert row.student.per_seed == (0.91, 0.94, 0.94)
    assert row.gain.per_seed == (pytest.approx(0.01), pytest.approx(0.02), pytest.approx(0.03))
    # Mean 2 points, std 1 point: 2 plus or minus 2.919986 / sqrt(3).
    assert row.gain.low == pytest.approx(0.0031415, abs=1e-6)
    assert row.gain.high == pytest.approx(0.0368585, abs=1e-6)
    assert (row.labels, row.clips, row.classes) == (None, None, None)
    assert (row.over_first, row.not_comparable) == (None, None)


def test_students_are_paired_with_the_first_runs_by_the_seeds_that_both_have(runs):
    over = compare_runs(runs(A, B)).runs[1].over_first
    assert over.seeds == (0, 2)  # B lists its seed 2 first
    assert over.per_seed == (pytest.approx(0.98 - 0.91), pytest.approx(0.92 - 0.94))
    assert over.mean == pytest.approx(0.025)
    assert over.low < 0 < over.high


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"split": "cross-trial"}, "other split"),
        ({"split": "cross-subject, subject 3 held out"}, "other split"),
        ({"labels": ("rest", "knock")}, "other classes"),
        ({"seeds": (5, 6, 7)}, "no seed in common"),
    ],
)
def test_what_was_not_asked_the_same_is_not_compared(runs, other, why):
    row = compare_runs(runs(A, {**A, **other})).runs[1]
    assert (row.over_first, row.not_comparable) == (None, why)
    assert row.gain.mean == pytest.approx(0.02)  # over its own baseline all the same


def test_only_the_first_run_is_the_measure(runs):
    told = compare_runs(runs(A, {**A, "split": "cross-trial"}, A))
    assert [row.not_comparable for row in told.runs] == [None, "other split", None]
    assert told.runs[2].over_first.mean == 0


def test_runs_on_other_data_are_refused(runs):
    with pytest.raises(InputError) as raised:
        compare_runs(runs(A, A, {**A, "dataset": "synthetic"}))
    assert "run0 is a run on utd-mhad and" in str(raised.value)
    assert "run2 one on synthetic: name the runs on one data set" in str(raised.value)


def test_accuracies_are_by_network_and_seed(runs):
    (run,) = runs(B)
    assert read_accuracies(run) == {
        "teacher-depth": {2: 0.80, 0: 0.82},
        "baseline": {2: 0.80, 0: 0.82},
        "student": {2: 0.92, 0: 0.98},
    }


@pytest.mark.parametrize(
    "damage",
    [
        {"seeds": [0, 1]},
        {"seeds": [0, 1, 1]},
        {"seeds": []},
        {"seeds": None},
        {"teachers": None},
        {"student": {"accuracy": {"per_seed": [0.5, 0.5, 50.0]}}},
        {"student": {"accuracy": {"per_seed": [0.5, 0.5, float("nan")]}}},
        {"student": {"accuracy": {"per_seed": ["a", "b", "c"]}}},
        {"baseline": {}},
    ],
)
def test_figures_that_are_not_this_versions_are_refused_in_a_sentence(runs, damage):
    (run,) = runs(A)
    path = run.folder / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(InputError, match=r"metrics\.json does not hold the figures of this version"):
        compare_runs([open_run(run.folder)])


@pytest.mark.parametrize("key", ["dataset", "split", "seeds", "teachers", "baseline", "student"])
def test_a_figure_that_is_missing_is_named(runs, key):
    (run,) = runs(A)
    path = run.folder / "metrics.json"
    kept = {name: value for name, value in json.loads(path.read_text()).items() if name != key}
    path.write_text(json.dumps(kept))
    with pytest.raises(InputError, match=f"KeyError\\('{key}'\\)"):
        compare_runs([open_run(run.folder)])


def test_class_by_class_the_gains_are_those_of_the_confusions(taught):
    """Recall counted here from what the networks say, clip by clip."""
    from edgehar.networks import ask

    run = open_run(taught)
    (row,) = compare_runs([run], classes=True).runs
    clips = run.clips("test", "acc")
    assert [line.label for line in row.classes] == ["swipe left", "swipe right", "wave", "clap"]
    for number, line in enumerate(row.classes):
        of_class = clips.labels == number
        share = {
            (which, seed): float(
                (ask(run.student(seed, which), clips).logits.argmax(1).numpy() == number)[of_class].mean()
            )
            for which in ("baseline", "student")
            for seed in (0, 3)
        }
        assert line.clips == of_class.sum() == 4
        assert line.baseline.per_seed == (share["baseline", 0], share["baseline", 3])
        assert line.student.per_seed == (share["student", 0], share["student", 3])
        assert line.gain.per_seed == tuple(share["student", s] - share["baseline", s] for s in (0, 3))
    weighted = sum(line.clips * line.gain.mean for line in row.classes) / 16
    assert weighted == pytest.approx(row.gain.mean)


def test_some_classes_alone_are_judged_again_with_every_network(taught):
    run = open_run(taught)
    (whole,) = compare_runs([run], labels="1-27").runs
    (plain,) = compare_runs([run]).runs
    assert (whole.teachers, whole.baseline, whole.student) == (plain.teachers, plain.baseline, plain.student)
    assert (whole.clips, whole.gain) == (16, plain.gain)
    halves = [compare_runs([run], labels=text, classes=True).runs[0] for text in ("1,2", "wave, clap")]
    assert [half.labels for half in halves] == [("swipe left", "swipe right"), ("wave", "clap")]
    assert [[line.label for line in half.classes] for half in halves] == [
        list(half.labels) for half in halves
    ]
    for name in ("baseline", "student"):
        mean = sum(getattr(half, name).mean for half in halves) / 2  # 8 clips each
        assert mean == pytest.approx(getattr(plain, name).mean)
    assert sum(h.teachers["depth"].mean for h in halves) / 2 == pytest.approx(plain.teachers["depth"].mean)


def test_networks_that_no_longer_say_what_metrics_holds_are_told(taught, tmp_path):
    folder = shutil.copytree(taught, tmp_path / "run")
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["student"]["accuracy"]["per_seed"][1] = 0.99
    path.write_text(json.dumps(metrics))
    told = compare_runs([open_run(folder)], classes=True)
    (warning,) = told.warnings
    assert warning.startswith(f"{folder}, student, seed 3: ")
    assert "99.00% in metrics.json" in warning
    assert compare_runs([open_run(taught)], classes=True).warnings == ()
