"""The papers' tables: every row is a run that edgehar can plan, and differs from the first as it says."""

from __future__ import annotations

import pytest

ROWS = {
    "pskd-losses": {
        "acs": ("acs", {}),
        "acs-without-confidence": ("acs", {"confidence": 0.0}),
        "acs-without-semantic": ("acs", {"semantic": 0.0}),
        "logits": ("logits", {}),
        "fitnet": ("fitnet", {}),
        "st": ("st", {}),
        "at": ("at", {}),
        "rkd": ("rkd", {}),
        "sp": ("sp", {}),
        "cc": ("cc", {}),
    },
    "schedule": {"pretrained": ("acs", {}), "progressive": ("acs", {})},
    "every": {
        "progressive": ("acs", {}),
        "progressive-every-2": ("acs", {}),
        "progressive-every-3": ("acs", {}),
    },
    "vskd-losses": {
        "dask": ("dask", {}),
        "dask-without-distance": ("dask", {"distance": 0.0}),
        "dask-without-angle": ("dask", {"angle": 0.0}),
        "dask-without-distance-and-angle": ("dask", {"distance": 0.0, "angle": 0.0}),
        "dask-without-semantic": ("dask", {"semantic": 0.0}),
        "st": ("st", {}),
        "at": ("at", {}),
        "sp": ("sp", {}),
    },
}


@pytest.fixture
def plans(benchmark, utd_mhad):
    """`plans(name, *options)`: the plan of each row of an ablation."""
    ablations = benchmark("ablations")
    from edgehar.plan import make_plan

    def planned(name, *options):
        asked = ablations.read_arguments([name, "--data-dir", str(utd_mhad), *options])
        ablation = ablations.ABLATIONS[name]
        return {r: make_plan(**ablations.row_options(ablation, r, asked))[0] for r in ablation.rows}

    return planned


@pytest.mark.parametrize("name", ROWS)
def test_a_row_differs_from_the_first_by_what_its_name_says(plans, name):
    from edgehar.methods import METHODS

    found = plans(name)
    assert list(found) == list(ROWS[name])
    for row, (loss, weights) in ROWS[name].items():
        plan = found[row]
        method = METHODS["vskd" if name == "vskd-losses" else "pskd"]
        assert (plan.method, plan.loss) == (method.name, loss)
        usual = dict(method.weights) if loss == method.loss else {}
        given = {key: value for key, value in plan.loss_weights.items() if key != "label_smoothing"}
        assert given == {**usual, **weights}


def test_losses_are_compared_with_shared_teachers_trained_first(plans):
    for name, teachers in (("pskd-losses", ("skeleton", "fusion")), ("vskd-losses", ("depth",))):
        for plan in plans(name, "--seed", "4", "1").values():
            assert (plan.teachers, plan.schedule) == (teachers, "pretrained")
            assert (plan.seeds, plan.teacher_seed) == ((4, 1), 4)
        assert {plan.teacher_seed for plan in plans(name, "--own-teachers").values()} == {None}


def test_schedules_are_compared_with_teachers_of_their_own(plans):
    found = plans("schedule", "--epochs", "9", "--teacher-epochs", "5")
    assert [plan.schedule for plan in found.values()] == ["pretrained", "progressive"]
    assert {plan.teacher_seed for plan in found.values()} == {None}
    assert [plan.teacher_recipe.epochs for plan in found.values()] == [5, 9]


def test_teachers_have_their_epochs_for_each_of_the_students(plans):
    found = plans("every", "--epochs", "4")
    assert [plan.every for plan in found.values()] == [1, 2, 3]
    assert [plan.teacher_recipe.epochs for plan in found.values()] == [4, 8, 12]
    assert {plan.student_recipe.epochs for plan in found.values()} == {4}
    assert found["progressive"] == plans("schedule", "--epochs", "4")["progressive"]


def test_options_reach_every_row(plans):
    options = ("--student", "acc-micro", "--hold-out", "1", "--split", "cross-subject", "--preset", "quick")
    for plan in plans("vskd-losses", *options).values():
        assert (plan.student, plan.hold_out, plan.preset, plan.seeds) == (
            "acc-micro",
            "1",
            "quick",
            (0, 1, 2),
        )


def test_the_papers_best_is_the_row_that_the_others_are_compared_with(benchmark):
    """Both papers have their own loss above all others, in accuracy and in F1, and it is named first."""
    tables = benchmark("papers").ABLATIONS
    for name in ("pskd-losses", "vskd-losses"):
        first, *others = tables[name].rows.values()
        assert all(0 < row.accuracy < first.accuracy and 0 < row.f1 < first.f1 for row in others)
    for name in ("schedule", "every"):
        printed = {row: (r.accuracy, r.f1) for row, r in tables[name].rows.items() if r.accuracy}
        whole = tables["pskd-losses"].rows["acs"]
        assert printed == {"progressive": (whole.accuracy, whole.f1)}
