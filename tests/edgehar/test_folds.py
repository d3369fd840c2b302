"""Several folds by one command: every subject is tested on once, and the spread is over them."""

import json
import shutil

import numpy as np
import pytest

from edgehar.runs import Run, list_runs


@pytest.fixture(scope="module")
def folded(distill, tmp_path_factory):
    """Leave one subject out in two processes, as one command does it. Read only."""
    folder = tmp_path_factory.mktemp("folds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder / "cache"))
        told = distill(
            "--teacher", "sensors", "--split", "leave-one-subject-out", "--jobs", 2, "--seed", 0, "--seed", 1,
            "--out", folder / "run", "--json",
        )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    return folder / "run", json.loads(told.stdout)


def test_every_subject_is_tested_on_once_and_never_trained_on_then(folded):
    folder, metrics = folded
    assert [fold["run"] for fold in metrics["folds"]] == ["fold-1", "fold-2", "fold-3", "fold-4"]
    for number, fold in enumerate(metrics["folds"], 1):
        run = Run(folder / fold["run"])
        assert fold["split"] == run.plan.split == f"leave-one-subject-out:{number}"
        assert set(run.clips("test", "acc").subjects) == {str(number)}
        assert str(number) not in set(run.clips("train", "acc").subjects)


def test_the_figures_are_mean_and_spread_over_the_folds(folded):
    folder, metrics = folded
    for who in ("baseline", "student"):
        of_folds = [Run(folder / fold["run"]).metrics[who]["accuracy"] for fold in metrics["folds"]]
        wanted = [np.mean(each["per_seed"]) for each in of_folds]
        told = metrics[who]["accuracy"]
        assert told["per_fold"] == pytest.approx(wanted)
        assert (told["mean"], told["std"]) == pytest.approx((np.mean(wanted), np.std(wanted, ddof=1)))
    assert metrics["teachers"].keys() == {"sensors"}
    assert metrics["seeds"] == [0, 1] and metrics["split"] == "leave-one-subject-out"


def test_what_is_missing_is_trained_again_and_nothing_else(folded, distill, tmp_path, monkeypatch):
    folder = shutil.copytree(folded[0], tmp_path / "run")
    monkeypatch.setenv("EDGEHAR_CACHE", str(folded[0].parent / "cache"))
    (folder / "metrics.json").unlink()
    (folder / "fold-2" / "metrics.json").unlink()
    kept = folder / "fold-1" / "metrics.json"
    before = kept.stat().st_mtime_ns
    told = distill("--resume", folder, "--json")
    assert told.exit_code == 0, told.stderr
    assert "3 of 4 folds are done already" in told.stderr
    assert kept.stat().st_mtime_ns == before
    ours = {key: value for key, value in json.loads(told.stdout).items() if key != "run"}
    assert ours == {key: value for key, value in folded[1].items() if key != "run"}


def test_a_folder_of_folds_is_no_run_and_its_folds_are(folded, edgehar):
    folder, _ = folded
    assert list_runs(folder.parent) == []
    assert len(list_runs(folder)) == 4
    assert edgehar("eval", folder).exit_code == 2
    assert edgehar("eval", folder / "fold-3").exit_code == 0
