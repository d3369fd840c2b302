import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgehar.errors import InputError
from edgehar.methods import METHODS
from edgehar.plan import Plan, check_weights, make_plan
from edgehar.presets import PRESETS
from edgehar.training.recipe import Recipe


@pytest.fixture
def make(utd_mhad):
    """A plan on the tiny UTD-MHAD."""
    return lambda **options: make_plan(**({"data": "utd-mhad", "data_dir": str(utd_mhad)} | options))[0]


def test_what_is_not_said_is_chosen(make, utd_mhad):
    plan = make()
    assert (plan.split, plan.framing, plan.method, plan.loss) == ("cross-subject", "clip", "vskd", "dask")
    assert (plan.teachers, plan.student, plan.seeds) == (("depth",), "acc-watch", (0,))
    assert plan.preset == "best"
    assert plan.student_recipe == PRESETS["best"].student
    assert plan.teacher_recipe == PRESETS["best"].video
    assert plan.data_dir == str(utd_mhad)


def test_what_is_said_wins(make):
    plan = make(
        split="cross-trial", student="acc-micro", loss_name="ce", preset="quick", seeds=(3, 1), epochs=2,
        teacher_epochs=5, hold_out="1",
    )  # fmt: skip
    assert (plan.split, plan.student, plan.loss, plan.seeds) == ("cross-trial", "acc-micro", "ce", (3, 1))
    assert plan.student_recipe == replace(PRESETS["quick"].student, epochs=2)
    assert plan.teacher_recipe == replace(PRESETS["quick"].video, epochs=5)
    assert plan.hold_out == "1"


def test_video_is_colour_where_every_clip_has_it_else_depth(make, utd_mhad_rgb, utd_mhad):
    assert make(teacher="video", data_dir=str(utd_mhad_rgb)).teachers == ("rgb",)
    assert make(teacher="video", data_dir=str(utd_mhad)).teachers == ("depth",)


def test_one_missing_colour_video_makes_it_depth(make, utd_mhad_rgb, tmp_path):
    for kind in utd_mhad_rgb.iterdir():
        (tmp_path / kind.name).mkdir()
        for path in list(kind.iterdir())[: -1 if kind.name == "RGB" else None]:
            (tmp_path / kind.name / path.name).symlink_to(path.resolve())
    assert make(teacher="video", data_dir=str(tmp_path)).teachers == ("depth",)


def test_several_teachers_keep_their_order_and_none_comes_twice(make, utd_mhad_rgb):
    rgb = {"data_dir": str(utd_mhad_rgb)}
    assert make(teacher="rgb,depth", **rgb).teachers == ("rgb", "depth")
    assert make(teacher="video,rgb,depth", **rgb).teachers == ("rgb", "depth")


def test_a_plan_survives_its_json(make):
    plan = make(loss_weights={"kd": 2.0}, seeds=(0, 1))
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())), Path("config.json"))
    assert again == plan


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"teacher": "vido"}, "No teacher called 'vido'. Did you mean 'video'?"),
        ({"teacher": "depth,"}, "No teacher called ''."),
        ({"student": "acc-wach"}, "No student called 'acc-wach'. Did you mean 'acc-watch'?"),
        ({"method": "vksd"}, "No method called 'vksd'. Did you mean 'vskd'?"),
        ({"loss_name": "daks"}, "No loss called 'daks'. Did you mean 'dask'?"),
        ({"preset": "quik"}, "No preset called 'quik'. Did you mean 'quick'?"),
        ({"split": "cross-subjet"}, "No split called 'cross-subjet'. Did you mean 'cross-subject'?"),
        ({"framing": "clips"}, "No framing called 'clips'. Did you mean 'clip'?"),
        ({"seeds": (0, 1, 0)}, "name one twice"),
        ({"seeds": (-1,)}, "-1 is no seed"),
        ({"seeds": (10**30,)}, "is no seed"),
        ({"epochs": 0}, "0 epochs cannot be trained"),
        ({"teacher_epochs": -3}, "-3 epochs cannot be trained"),
        ({"data_dir": "no-such-folder"}, "no-such-folder is not a folder"),
        ({"loss_weights": {"kdd": 1.0}}, "takes no 'kdd'; it takes ce, kd,"),
        ({"loss_weights": {"projected": 1.0}}, "takes no 'projected'"),
        ({"loss_weights": {"kd": -1.0}}, "kd=-1.0 is no weight"),
        ({"loss_weights": {"kd": float("nan")}}, "kd=nan is no weight"),
        ({"loss_weights": {"kd": float("inf")}}, "kd=inf is no weight"),
        ({"loss_weights": {"tau": 0.0}}, "tau"),
        ({"loss_weights": dict.fromkeys(("ce", "kd", "distance", "angle", "semantic"), 0.0)}, "every weight"),
        ({"loss_weights": {"label_smoothing": 2.0}}, "label_smoothing"),
        ({"loss_name": "ce", "loss_weights": {"kd": 1.0}}, "The loss ce takes no 'kd'"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_trained(make, options, sentence):
    with pytest.raises(InputError) as error:
        make(**options)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_method_is_refused_teachers_that_it_does_not_take(make, monkeypatch):
    monkeypatch.setitem(METHODS, "vskd", replace(METHODS["vskd"], teachers=("rgb",)))
    with pytest.raises(InputError, match="The method vskd does not take the teachers depth together"):
        make(method="vskd")
    with pytest.raises(InputError, match="No method takes the teachers depth together"):
        make()


def test_label_smoothing_is_the_recipes_unless_it_is_said():
    recipe = Recipe(epochs=1, label_smoothing=0.2)
    assert check_weights("dask", {}, recipe) == {"label_smoothing": 0.2}
    assert check_weights("ce", {}, recipe) == {"label_smoothing": 0.2}
    assert check_weights("dask", {"label_smoothing": 0.0, "kd": 3.0}, recipe) == {
        "label_smoothing": 0.0,
        "kd": 3.0,
    }


def test_a_methods_weights_are_for_its_own_loss(make, monkeypatch):
    monkeypatch.setitem(METHODS, "vskd", replace(METHODS["vskd"], weights={"kd": 5.0, "angle": 2.0}))
    assert make().loss_weights["kd"] == 5.0
    assert make(loss_weights={"kd": 1.0}).loss_weights == {"label_smoothing": 0.1, "kd": 1.0, "angle": 2.0}
    assert make(loss_name="ce").loss_weights == {"label_smoothing": 0.1}


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: plan.pop("student"),
        lambda plan: plan.update(invented=1),
        lambda plan: plan.pop("shape"),
        lambda plan: plan.update(shape={"window": 128, "depth": 3}),
        lambda plan: plan.update(seeds=None),
        lambda plan: plan.update(teacher_recipe=[1, 2]),
        lambda plan: plan["student_recipe"].update(invented=1),
    ],
)
def test_a_plan_of_another_version_is_said(make, damage):
    values = make().to_json()
    damage(values)
    with pytest.raises(InputError, match=r"config.json does not hold a plan of this version"):
        Plan.from_json(values, Path("runs/a/config.json"))


@pytest.mark.parametrize("values", [[], "plan", 3, None])
def test_what_is_no_plan_at_all_is_said(values):
    with pytest.raises(InputError, match="does not hold a plan"):
        Plan.from_json(values, Path("config.json"))


# Presets


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_can_be_trained(preset):
    assert preset.shape.window % 8 == 0
    assert preset.views >= 1
    assert preset.student.epochs >= 1
    assert min(preset.video.epochs, preset.joints.epochs) >= 1


def test_poses_are_learned_where_every_clip_has_a_skeleton(make, utd_copy):
    plan = make()
    assert plan.teacher_recipe == PRESETS["best"].video
    assert (plan.teacher_recipe.pose > 0, plan.graph) == (True, "kinect")
    next((utd_copy / "Skeleton").iterdir()).unlink()
    plan = make(data_dir=str(utd_copy))
    assert plan.teacher_recipe == replace(PRESETS["best"].video.as_seen(), pose=0.0)
    assert plan.graph is None


# Schedules


def test_a_skeleton_teaches_by_pskd_in_turns(make):
    plan = make(teacher="skeleton,fusion", epochs=3, every=2)
    assert (plan.method, plan.loss, plan.schedule, plan.every) == ("pskd", "acs", "progressive", 2)
    assert plan.teacher_recipe == replace(PRESETS["best"].joints, epochs=6)
    assert plan.student_recipe.epochs == 3


def test_the_same_teachers_may_be_trained_beforehand(make):
    plan = make(teacher="fusion", schedule="pretrained", epochs=3, teacher_epochs=5, teacher_seed=4)
    assert (plan.method, plan.schedule, plan.teacher_seed) == ("pskd", "pretrained", 4)
    assert plan.teacher_recipe.epochs == 5


def test_video_may_teach_in_turns_too(make):
    assert make(teacher="depth", schedule="progressive").schedule == "progressive"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"teacher": "skeleton", "teacher_epochs": 5}, "--teacher-epochs has no place"),
        ({"teacher": "skeleton", "teacher_seed": 0}, "--teacher-seed needs frozen teachers"),
        ({"teacher": "skeleton", "every": 0}, "0 epochs cannot be trained"),
        ({"schedule": "progresive"}, "progressive"),
        ({"teacher": "skeleton,depth"}, "No method takes the teachers skeleton, depth together"),
        ({"schedule": "pretrained", "teacher_seed": -1}, "-1 is no seed"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(make, options, told):
    with pytest.raises(InputError, match=told):
        make(**options)


def test_a_gate_is_a_word(make):
    assert make(teacher="skeleton", loss_weights={"gate": "loss"}).loss_weights["gate"] == "loss"
    with pytest.raises(InputError, match="gate is open"):
        make(teacher="skeleton", loss_weights={"gate": "open"})


def test_the_papers_networks_are_named_by_a_preset(make):
    plan = make(teacher="fusion", preset="paper", schedule="pretrained")
    assert plan.teacher_recipe.epochs == PRESETS["best"].joints.epochs
    with pytest.raises(InputError, match="has no network for the teacher depth yet, only for skeleton"):
        make(teacher="depth", preset="paper")


def test_windows_are_settled_in_samples_at_the_sensors_rate(utd_mhad):
    plan, _ = make_plan(data="utd-mhad", data_dir=str(utd_mhad), framing="window", window=1.3, hop=0.21)
    assert (plan.shape.window, plan.hop, plan.rate_hz) == (64, 10, 50.0)  # 65 samples, to a multiple of 8
    plan, _ = make_plan(data="utd-mhad", data_dir=str(utd_mhad), framing="window")
    assert (plan.shape.window, plan.hop) == (128, 25)
    plan, _ = make_plan(data="utd-mhad", data_dir=str(utd_mhad))
    assert (plan.shape.window, plan.hop, plan.rate_hz) == (128, None, None)


def test_a_teacher_of_sensors_feels_every_sensor_but_the_students(utd_mhad):
    plan, _ = make_plan(data="utd-mhad", data_dir=str(utd_mhad), teacher="sensors")
    assert (plan.method, plan.teachers, plan.teacher_streams) == ("vskd", ("sensors",), ("gyro",))
    assert plan.student_stream is None
    plan, _ = make_plan(
        data="utd-mhad", data_dir=str(utd_mhad), teacher="sensors", teacher_streams=("acc", "gyro")
    )
    assert plan.teacher_streams == ("acc", "gyro")
    assert Plan.from_json(plan.to_json(), Path("config.json")) == plan


def test_a_plan_from_before_windows_and_streams_is_read(utd_mhad):
    plan, _ = make_plan(data="utd-mhad", data_dir=str(utd_mhad))
    old = plan.to_json()
    for name in ("hop", "rate_hz", "student_stream", "teacher_streams"):
        del old[name]
    assert Plan.from_json(old, Path("config.json")) == plan
