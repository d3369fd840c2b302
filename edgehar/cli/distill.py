"""`edgehar distill`: train teachers, baseline and student."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgehar.cli.options import AsJson, DataDirOption, DataOption, Debug, OutOption, SplitOption, new_app
from edgehar.cli.output import bars, console, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgehar.folds import Folds
    from edgehar.runs import Run

app = new_app()


@app.command(
    epilog="Example: edgehar distill --teacher video --student acc-watch --data utd-mhad --seed 0 --seed 1"
)
def distill(
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            help="Who teaches: video, depth, rgb, skeleton, fusion, sensors; several with commas.",
        ),
    ] = "video",
    student: Annotated[
        str, typer.Option("--student", help="Who learns; all names: edgehar ls.")
    ] = "acc-watch",
    method: Annotated[
        str | None, typer.Option("--method", help="System; default what suits the teacher.")
    ] = None,
    loss: Annotated[str | None, typer.Option("--loss", help="Loss; default the method's.")] = None,
    weight: Annotated[
        list[str] | None, typer.Option("--weight", metavar="NAME=VALUE", help="A term's weight; repeatable.")
    ] = None,
    data: DataOption = "synthetic",
    data_dir: DataDirOption = None,
    split: SplitOption = None,
    hold_out: Annotated[
        str | None,
        typer.Option(
            "--hold-out", metavar="SUBJECT", help="Test on this training subject instead, for choosing."
        ),
    ] = None,
    framing: Annotated[
        str, typer.Option("--framing", help="clip (whole clips, resampled) or window.")
    ] = "clip",
    window: Annotated[
        float | None, typer.Option("--window", metavar="SECONDS", help="Of a window; default 2.56.")
    ] = None,
    hop: Annotated[
        float | None, typer.Option("--hop", metavar="SECONDS", help="From window to window; default 0.5.")
    ] = None,
    student_stream: Annotated[
        str | None,
        typer.Option("--student-stream", metavar="STREAM", help="What the student feels: acc.left_wrist."),
    ] = None,
    teacher_streams: Annotated[
        str | None,
        typer.Option(
            "--teacher-streams",
            metavar="STREAMS",
            help="What teachers look at, with commas: rgb.front; sensors: default all but the student's.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take a split that leaks.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes, for a split of several folds.")] = 1,
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="Processes or GPUs that train one network together.")
    ] = 1,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="Machines; see docs/scale.md.")] = 1,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="quick (default on the embedded data), best (elsewhere) or paper (a GPU)."
        ),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Repeatable; default 0.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Of baseline and student.")] = None,
    teacher_epochs: Annotated[int | None, typer.Option("--teacher-epochs", help="Of each teacher.")] = None,
    accelerator: Annotated[str, typer.Option("--accelerator", help="auto, cpu or cuda.")] = "auto",
    schedule: Annotated[
        str | None,
        typer.Option(
            "--schedule", help="pretrained (teachers first) or progressive (in turns); default the method's."
        ),
    ] = None,
    every: Annotated[
        int, typer.Option("--every", help="Progressive: epochs of the teachers for each of the student's.")
    ] = 1,
    teacher_seed: Annotated[
        int | None,
        typer.Option(
            "--teacher-seed", help="Pretrained: this seed's teachers teach the students of all seeds."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run, as it was begun."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again what the cache has.")] = False,
    out: OutOption = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Train teachers, baseline and student; write a run folder with weights and metrics.

    On the embedded motion data unless --data names recordings. Interrupted? Go on with --resume RUN.
    """
    options = {
        "teacher": teacher, "student": student, "method": method, "loss_name": loss,
        "loss_weights": _weights(weight or []), "data": data, "data_dir": data_dir and str(data_dir),
        "split": split, "hold_out": hold_out, "framing": framing, "preset": preset,
        "seeds": tuple(seed or [0]), "epochs": epochs, "teacher_epochs": teacher_epochs,
        "schedule": schedule, "every": every, "teacher_seed": teacher_seed,
        "window": window, "hop": hop, "student_stream": student_stream,
        "teacher_streams": tuple(filter(None, (teacher_streams or "").split(","))), "force": force,
    }  # fmt: skip
    if resume is not None:
        _refuse_others(options | {"out": out})
    machine: dict[str, Any] = {"accelerator": accelerator, "devices": devices, "nodes": nodes}
    run = _carry_out(options, **machine, resume=resume, fresh=fresh, out=out, jobs=jobs)
    show({"run": str(run.folder), **run.metrics}, as_json, lambda _: _table(run))
    if not as_json and "folds" not in run.metrics:
        _say(f"Next: edgehar export {run.folder} --int8")


def distill_run(
    options: dict[str, Any],
    *,
    accelerator: str = "auto",
    resume: Path | None = None,
    fresh: bool = False,
    out: Path | None = None,
) -> Run:
    """Plan (or take up) a run of one fold and carry it out with bars and lines on stderr."""
    from edgehar.runs import Run

    run = _carry_out(options, accelerator=accelerator, resume=resume, fresh=fresh, out=out)
    if not isinstance(run, Run):
        raise InputError(f"{run.folder} holds a run for each of several folds: name one fold with --split.")
    return run


def _carry_out(
    options: dict[str, Any],
    *,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    resume: Path | None = None,
    fresh: bool = False,
    out: Path | None = None,
    jobs: int = 1,
) -> Run | Folds:
    """Plan (or take up) a run, or a run for every fold, and carry it out with bars and lines on stderr."""
    _say("Starting (torch and Lightning take some seconds to load)")
    from edgehar.distil import distil
    from edgehar.folds import Folds, distil_folds, fold_plans, is_folds
    from edgehar.plan import make_plan
    from edgehar.runs import Run, find_run, new_folder
    from edgehar.training.parts import plan_recordings
    from edgehar.training.stage import Machine, check_accelerator

    machine = Machine(check_accelerator(accelerator), devices, nodes, progress=True)
    if resume is not None:
        folder = resume if is_folds(resume) else find_run(resume)
        plan = Folds(folder).plan if is_folds(folder) else Run(folder).plan
        recordings = plan_recordings(plan)
    else:
        plan, recordings = make_plan(**options)
        folder = new_folder(plan, out)
    _say(
        f"{plan.method}: {', '.join(plan.teachers)} teaches {plan.student} on {plan.data}, {plan.split}, "
        f"preset {plan.preset}, seeds {', '.join(map(str, plan.seeds))}; writing {folder}"
    )
    try:
        with bars() as bar:
            if len(fold_plans(plan, recordings)) > 1:
                return distil_folds(
                    plan, recordings, folder, machine, jobs=jobs, fresh=fresh, say=_say, progress=bar
                )
            return distil(plan, recordings, folder, machine, fresh=fresh, say=_say, progress=bar)
    except KeyboardInterrupt:
        if (folder / "config.json").exists() or is_folds(folder):
            _say(f"Stopped; what is trained is kept. Go on: edgehar distill --resume {folder}")
        raise
    finally:
        with suppress(OSError):
            folder.rmdir()  # only if nothing was written to it


def _say(line: str) -> None:
    """A line as it is: a path in it may hold brackets, and must survive being copied."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _weights(given: list[str]) -> dict[str, float | str]:
    """What the loss is given; a value that is no number may be a word that the loss knows, such as a gate."""
    weights: dict[str, float | str] = {}
    for text in given:
        name, _, value = text.partition("=")
        if not (name and value):
            raise InputError(f"--weight {text} is not NAME=VALUE, such as angle=50.")
        try:
            weights[name] = float(value)
        except ValueError:
            weights[name] = value
    return weights


def _refuse_others(options: dict[str, Any]) -> None:
    """A run goes on as it was begun: its options come from its config.json."""
    import inspect

    defaults = {p.name: p.default for p in inspect.signature(distill).parameters.values()}
    defaults |= {"loss_name": None, "loss_weights": {}, "seeds": (0,), "teacher_streams": ()}
    flags = {"loss_name": "--loss", "loss_weights": "--weight", "seeds": "--seed"}
    if changed := [
        flags.get(name, "--" + name.replace("_", "-"))
        for name, value in options.items()
        if value != defaults[name]
    ]:
        raise InputError(
            f"--resume takes a run up as it was begun; leave out {', '.join(changed)}, or start a new run."
        )


def _table(run: Run | Folds) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    metrics = run.metrics
    over = f", mean and spread over {len(metrics['folds'])} folds" if "folds" in metrics else ", last epoch"
    table = Table(title=Text(f"{run.folder}: {metrics['dataset']}, {metrics['split']}{over}"))
    for column in ("network", "accuracy", "macro-F1"):
        table.add_column(column, justify="left" if column == "network" else "right")
    rows = {f"teacher {name}": m for name, m in metrics["teachers"].items()}
    rows |= {"baseline": metrics["baseline"], f"student {run.plan.student}": metrics["student"]}
    if windows := metrics.get("windows"):
        rows |= {f"{who}, window by window": windows[who] for who in ("baseline", "student")}
    for name, m in rows.items():
        table.add_row(name, percent(m["accuracy"]), percent(m["macro_f1"]))
    return table


def percent(m: dict[str, Any]) -> str:
    """A mean with its spread in points, or alone for one seed."""
    spread = "" if m["std"] is None else f" ± {100 * m['std']:.1f}"
    return f"{100 * m['mean']:.2f}{spread} %"
