"""Everything that makes a run: settled before anything is trained, stored as config.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgehar.data.choose import check_streams, choose_streams, felt_streams
from edgehar.data.clip import Recordings, sensors_of
from edgehar.data.prepare import VIDEO, Shape
from edgehar.data.source import open_recordings, settle_data
from edgehar.data.splits import leak, settle
from edgehar.errors import InputError
from edgehar.losses import LOSSES
from edgehar.methods import METHODS, Method
from edgehar.models import STUDENTS, TEACHERS
from edgehar.networks import SENSORS_TEACHER
from edgehar.presets import PRESETS, Preset, network_options
from edgehar.registry import check, load
from edgehar.training.recipe import Recipe

Setting = float | str  # of a loss: a weight, or a word such as a gate
FRAMINGS = ("clip", "window")
WINDOW_S, HOP_S, LONGEST_S = 2.56, 0.5, 3600.0  # seconds
GRAIN = 8  # samples: students halve their window three times
SCHEDULES = ("pretrained", "progressive")  # teachers first, then frozen; or teachers and student in turns


@dataclass(frozen=True)
class Plan:
    """What to train on what, how, and with which seeds. `hold_out`: a training subject that is tested on
    instead of the test subjects, for choosing. `loss_weights`: the loss's keywords. `every`: in the schedule
    `progressive`, epochs of the teachers for each of the student's. `teacher_seed`: whose teachers teach the
    students of all seeds; None for each seed its own. `graph`: of edgehar.models.graphs, the skeleton that
    teachers see or learn to find; None if none does. hop, rate_hz: with framing `window`, samples between
    windows and samples a second. student_stream, teacher_streams: which of several streams of a modality the
    student feels and teachers look at; None and () where there is no choice."""

    data: str
    data_dir: str | None
    split: str
    hold_out: str | None
    framing: str
    method: str
    teachers: tuple[str, ...]
    student: str
    loss: str
    preset: str
    seeds: tuple[int, ...]
    shape: Shape
    teacher_recipe: Recipe
    student_recipe: Recipe
    views: int
    pooled: bool = False
    loss_weights: Mapping[str, Setting] = field(default_factory=dict)
    schedule: str = "pretrained"
    every: int = 1
    teacher_seed: int | None = None
    graph: str | None = None
    hop: int | None = None
    rate_hz: float | None = None
    student_stream: str | None = None
    teacher_streams: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As config.json holds it."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: Path) -> Plan:
        """The plan that `where`, a config.json, holds. Raises InputError if it is not one."""
        try:
            values = dict(values)
            for name in ("teachers", "seeds", "teacher_streams"):
                values[name] = tuple(values.get(name, ()))
            values["shape"] = Shape(**values["shape"])
            for name in ("teacher_recipe", "student_recipe"):
                values[name] = Recipe(**values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where} does not hold a plan of this version of edgehar ({error}): train again."
            ) from None


VIDEO_TEACHER = "video"  # rgb where every clip has it, else depth


def make_plan(
    *,
    teacher: str = VIDEO_TEACHER,
    student: str = "acc-watch",
    data: str = "synthetic",
    data_dir: str | None = None,
    split: str | None = None,
    hold_out: str | None = None,
    framing: str = "clip",
    method: str | None = None,
    loss_name: str | None = None,
    loss_weights: Mapping[str, Setting] | None = None,
    preset: str | None = None,
    seeds: tuple[int, ...] = (0,),
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    schedule: str | None = None,
    every: int = 1,
    teacher_seed: int | None = None,
    window: float | None = None,
    hop: float | None = None,
    student_stream: str | None = None,
    teacher_streams: tuple[str, ...] = (),
    force: bool = False,
) -> tuple[Plan, Recordings]:
    """Settle what an experiment is, and open its recordings, the student's stream called `acc`.

    What is None is chosen: the split published first, the method that suits the teacher, the preset
    `quick` on the embedded data and `best` elsewhere. window, hop: in seconds. force: take a split that
    leaks. Raises InputError for a name or value that cannot be.
    """
    check("student", student, STUDENTS)
    for name in teacher.split(","):
        check("teacher", name, (VIDEO_TEACHER, *TEACHERS))
    data = settle_data(data)
    read = open_recordings(data, data_dir)
    recordings = choose_streams(read, student_stream, teacher_streams)
    teachers = tuple(dict.fromkeys(_seen_by(name, recordings) for name in teacher.split(",")))
    chosen = _method_for(teachers, method)
    schedule = check("schedule", schedule or chosen.schedule, SCHEDULES)
    preset = check("preset", preset or ("quick" if data == "synthetic" else "best"), PRESETS)
    recipes = PRESETS[preset]
    shape, hop_samples, rate_hz = _framed(recipes.shape, framing, window, hop, recordings)
    teacher_streams = _looked_at(teachers, read, student_stream, teacher_streams)
    _check_needs(teachers, teacher_streams, student, preset, recordings)
    _check_counts(seeds, teacher_seed, (epochs, teacher_epochs, every))
    if schedule == "progressive":
        teacher_epochs = _progressive_epochs(teacher_epochs, every, epochs or recipes.student.epochs)
        if teacher_seed is not None:
            raise InputError("--teacher-seed needs frozen teachers: give --schedule pretrained too.")
    loss_name = check("loss", loss_name or chosen.loss, LOSSES)
    weights = {**(chosen.weights if loss_name == chosen.loss else {}), **(loss_weights or {})}
    student_recipe = _with_epochs(recipes.student, epochs)
    teacher_recipe = _teacher_recipe(recipes, teachers[0], teacher_epochs, schedule, recordings)
    split = settle(recordings, split)
    if not force and (leaked := leak(recordings, split)):
        raise InputError(
            f"The split {split} leaks: {leaked}, so its figures would say too much; mend it, or give --force."
        )
    plan = Plan(
        data=data,
        data_dir=data_dir,
        split=split,
        hold_out=hold_out,
        framing=framing,
        method=chosen.name,
        teachers=teachers,
        student=student,
        loss=loss_name,
        preset=preset,
        seeds=seeds,
        shape=shape,
        teacher_recipe=teacher_recipe,
        student_recipe=student_recipe,
        views=recipes.views,
        pooled=recipes.pooled,
        loss_weights=check_weights(loss_name, weights, student_recipe),
        schedule=schedule,
        every=every,
        teacher_seed=teacher_seed,
        graph=_graph(recordings) if teacher_recipe.pose or not watches(teachers[0]) else None,
        hop=hop_samples,
        rate_hz=rate_hz,
        student_stream=student_stream,
        teacher_streams=teacher_streams,
    )
    return plan, recordings


def check_weights(name: str, weights: Mapping[str, Setting], recipe: Recipe) -> dict[str, Setting]:
    """A loss's keywords: what was given, and the recipe's label smoothing where the loss takes one.

    Raises InputError for a keyword that the loss does not take, a value that is no weight, and weights
    that the loss itself refuses: now, and not when the teachers have been trained.
    """
    from edgehar.losses.trial import settings, trial

    smoothing = {"label_smoothing": recipe.label_smoothing} if "label_smoothing" in settings(name) else {}
    settled = {**smoothing, **weights}
    trial(name, settled)
    return settled


def _framed(
    shape: Shape, framing: str, window: float | None, hop: float | None, recordings: Recordings
) -> tuple[Shape, int | None, float | None]:
    """The shape of what networks see, the hop in samples and the rate in Hz; the last two None for clips."""
    check("framing", framing, FRAMINGS)
    if framing == "clip":
        if window is not None or hop is not None:
            raise InputError("--window and --hop are for --framing window: give it too, or leave them out.")
        return shape, None, None
    first = next((clip for clip in recordings.clips if "acc" in clip.streams), None)
    if first is None:
        raise InputError(f"{recordings.name} has no accelerometer to cut into windows.")
    rate_hz = float(first.streams["acc"]().rate_hz)
    window = WINDOW_S if window is None else window
    hop = HOP_S if hop is None else hop
    samples = GRAIN * round(window * rate_hz / GRAIN) if 0 < window < LONGEST_S else 0
    step = round(hop * rate_hz) if 0 < hop < LONGEST_S else 0
    if samples < GRAIN or step < 1:
        raise InputError(
            f"--window {window:g} --hop {hop:g} at {rate_hz:g} Hz make {samples} and {step} samples: a "
            f"window has {GRAIN} or more, a hop 1 or more, and neither is longer than {LONGEST_S:g} s."
        )
    return dataclasses.replace(shape, window=samples), step, rate_hz


def _looked_at(
    teachers: tuple[str, ...], read: Recordings, student_stream: str | None, streams: tuple[str, ...]
) -> tuple[str, ...]:
    """The streams that teachers choose among: of a teacher of sensors all that the student does not feel."""
    if SENSORS_TEACHER in teachers:
        return felt_streams(read, student_stream, streams)
    if strange := sensors_of(streams):
        raise InputError(
            f"--teacher-streams {strange[0]} is for --teacher sensors: give it, or leave the stream out."
        )
    return streams


def _check_needs(
    teachers: tuple[str, ...], streams: tuple[str, ...], student: str, preset: str, recordings: Recordings
) -> None:
    """Raises InputError if the preset lacks a teacher's network, or the recordings what a network needs."""
    for name in teachers:
        network_options(preset, name)
    check_streams(recordings, ("acc",), f"the student {student}")
    for name in teachers:
        check_streams(recordings, streams_of(name, streams), f"the teacher {name}")


def _check_counts(seeds: tuple[int, ...], teacher_seed: int | None, epochs: tuple[int | None, ...]) -> None:
    _check_seeds(seeds)
    if teacher_seed is not None:
        _check_seeds((teacher_seed,))
    for count in epochs:
        if count is not None and count < 1:
            raise InputError(f"{count} epochs cannot be trained: give 1 or more.")


def _teacher_recipe(
    preset: Preset, teacher: str, epochs: int | None, schedule: str, recordings: Recordings
) -> Recipe:
    """By what a teacher looks at; one that watches learns joints only where every clip has them."""
    if not watches(teacher):
        return _with_epochs(preset.sensors if teacher == SENSORS_TEACHER else preset.joints, epochs)
    recipe = _with_epochs(preset.video, epochs)
    if schedule == "pretrained" and _all_hold("skeleton", recordings):
        return recipe
    return dataclasses.replace(recipe.as_seen(), pose=0.0)


def _check_seeds(seeds: tuple[int, ...]) -> None:
    if len(set(seeds)) < len(seeds):
        raise InputError(f"Seeds {', '.join(map(str, seeds))} name one twice: name each once.")
    for seed in seeds:
        if not 0 <= seed < 2**31:
            raise InputError(f"{seed} is no seed: give a whole number from 0 to {2**31 - 1}.")


def _seen_by(name: str, recordings: Recordings) -> str:
    if name != VIDEO_TEACHER:
        return name
    return "rgb" if _all_hold("rgb", recordings) else "depth"


def _all_hold(stream: str, recordings: Recordings) -> bool:
    return all(stream in clip.streams for clip in recordings.clips)


def _method_for(teachers: tuple[str, ...], name: str | None) -> Method:
    named = [METHODS[check("method", name, METHODS)]] if name else METHODS.values()
    for method in named:
        if set(teachers) <= set(method.teachers):
            return method
    who = f"The method {name} does not take" if name else "No method takes"
    raise InputError(f"{who} the teachers {', '.join(teachers)} together. All names: edgehar ls")


def streams_of(teacher: str, streams: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a teacher needs, by its line in the table or by its class; of sensors those among `streams`."""
    if teacher == SENSORS_TEACHER:
        return sensors_of(streams)
    target, options = TEACHERS[teacher]
    return (options["stream"],) if "stream" in options else tuple(load(target).streams)


def watches(teacher: str) -> bool:
    """Whether a teacher looks at video, by its line in the table."""
    return TEACHERS[teacher][1].get("stream") in VIDEO


def _graph(recordings: Recordings) -> str | None:
    """The table of the recordings' skeletons. Raises InputError if there is none for so many joints."""
    from edgehar.models.graphs import graph_of

    seen = next((clip for clip in recordings.clips if "skeleton" in clip.streams), None)
    return graph_of(seen.streams["skeleton"]().values.shape[1]) if seen else None


def _progressive_epochs(asked: int | None, every: int, students: int) -> int:
    if asked is not None:
        raise InputError(
            "--teacher-epochs has no place in the schedule progressive, which trains the teachers --every "
            "times --epochs: give these, or --schedule pretrained."
        )
    return every * students


def _with_epochs(recipe: Recipe, epochs: int | None) -> Recipe:
    return recipe if epochs is None else dataclasses.replace(recipe, epochs=epochs)
