import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import edgehar.networks
from edgehar.errors import InputError
from edgehar.retest import Examiner, choose_labels
from edgehar.runs import open_run


@dataclass(frozen=True)
class Labelled:
    """All that `choose_labels` wants of a run."""

    labels: tuple[str, ...]
    folder: Path = Path("runs/a")


RUN = Labelled(("rest", "wave", "knock, twice", "2", "draw x"))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1-3", ("rest", "wave", "knock, twice")),
        ("wave,rest", ("rest", "wave")),  # in the order of the scores
        (" draw x , 1 - 1", ("rest", "draw x")),
        ("3", ("knock, twice",)),  # a name with a comma has its number
        ("2", ("2",)),  # a name before a number
        ("1-5,wave,1", RUN.labels),
    ],
)
def test_labels_are_chosen_by_name_number_and_range(text, chosen):
    assert choose_labels(text, RUN) == chosen


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wav", "runs/a has no label 'wav'. Did you mean 'wave'? All: runs/a/labels.txt"),
        ("", "runs/a has no label ''. All: runs/a/labels.txt"),
        ("rest,,wave", "has no label ''"),
        ("0-2", "--labels 0-2 is no range of the labels of runs/a, which are 1-5."),
        ("3-1", "--labels 3-1 is no range"),
        ("6", "--labels 6 is no range"),
        ("1-" + "9" * 5000, "has no label '1-999"),
    ],
)
def test_labels_that_are_not_there_are_refused(text, sentence):
    with pytest.raises(InputError) as raised:
        choose_labels(text, RUN)
    assert sentence in str(raised.value)


@pytest.fixture
def asked(monkeypatch):
    """The networks that were truly asked, one entry a time."""
    calls = []
    truly = edgehar.networks.ask

    def counted(network, clips, *rest):
        calls.append(type(network).__name__)
        return truly(network, clips, *rest)

    monkeypatch.setattr(edgehar.networks, "ask", counted)
    return calls


NAMES = ("teacher-depth", "baseline", "student")


def test_every_network_is_judged_on_the_clips_of_the_classes_alone(taught):
    from edgehar.networks import ask

    run = open_run(taught)
    retest = Examiner().retest(run, NAMES, (0, 3), ("swipe right", "clap"))
    clips = run.clips("test", "acc", "depth")
    kept = np.isin(clips.labels, [1, 3])
    assert retest.clips == kept.sum() == 8
    for seed in (0, 3):
        for which in ("baseline", "student"):
            said = ask(run.student(seed, which), clips).logits.argmax(1).numpy()  # of 27 classes
            assert retest.accuracies[which][seed] == (said == clips.labels)[kept].mean()
            assert retest.all_clips[which][seed] == (said == clips.labels).mean()
            matrix = np.array(retest.scores[which][seed].confusion)
            assert matrix.shape == (27, 27)
            assert set(np.flatnonzero(matrix.sum(1))) == {1, 3}


def test_asked_again_every_network_says_what_metrics_json_holds(taught):
    run = open_run(taught)
    retest = Examiner().retest(run, NAMES, (0, 3))
    metrics = run.metrics
    expected = {"teacher-depth": metrics["teachers"]["depth"], **metrics}
    for name in NAMES:
        assert list(retest.all_clips[name].values()) == expected[name]["accuracy"]["per_seed"]
    assert retest.accuracies == retest.all_clips


def test_what_two_runs_share_is_asked_once(taught, tmp_path, asked):
    copy = open_run(shutil.copytree(taught, tmp_path / "copy"))
    student = copy.seed_folder(3) / "student.safetensors"
    shutil.copy(copy.seed_folder(0) / "student.safetensors", student)  # the one network that differs
    examiner = Examiner()
    first = examiner.retest(open_run(taught), NAMES, (0, 3))
    assert len(asked) == 6
    second = examiner.retest(copy, NAMES, (3,))
    assert len(asked) == 6  # even the student: seed 0's had been asked
    assert second.scores["student"][3] == first.scores["student"][0]
    assert second.scores["baseline"][3] == first.scores["baseline"][3]


def test_clips_of_no_chosen_class_are_refused(taught):
    with pytest.raises(InputError, match="utd-mhad, cross-subject: no test clip shows lunge or squat"):
        Examiner().retest(open_run(taught), NAMES, (0,), ("lunge", "squat"))


def test_weights_that_are_missing_are_named(taught, tmp_path):
    copy = open_run(shutil.copytree(taught, tmp_path / "copy"))
    (copy.seed_folder(0) / "teacher-depth.safetensors").unlink()
    with pytest.raises(InputError, match=r"teacher-depth\.safetensors does not exist"):
        Examiner().retest(copy, NAMES, (0,))


def test_recordings_may_lie_elsewhere(taught, utd_copy, write_recordings, tmp_path):
    run = open_run(taught)
    assert Examiner(utd_copy).retest(run, NAMES, (0,)) == Examiner().retest(run, NAMES, (0,))
    fewer = write_recordings(tmp_path / "fewer", actions=(1, 2))
    assert Examiner(fewer).retest(run, NAMES, (0,)).clips == 8
