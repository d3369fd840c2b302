"""`edgehar ls`: what there is to choose from, where each is written, and the runs in ./runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import plain, show, table_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edgehar.methods import Method
    from edgehar.runs import Run

EMBEDDED = "synthetic"

app = new_app()


@app.command(epilog="Example: edgehar ls. For a program: edgehar ls --json")
def ls(as_json: AsJson = False, debug: Debug = False) -> None:
    """What there is: data sets, networks, methods, losses, devices, runs.

    Every name is one that an option takes: --data, --teacher, --student, --method, --loss, --device.
    """
    show(what_there_is(), as_json, view)


@dataclass(frozen=True)
class DataSet:
    """here: whether its recordings are on this machine, in `folder`; the embedded one needs none."""

    name: str
    here: bool
    folder: str | None
    written_in: str


@dataclass(frozen=True)
class Written:
    """A network or a loss, and the module that one reads to know it."""

    name: str
    written_in: str


@dataclass(frozen=True)
class System:
    """A method: which teachers it takes, how they are trained, by which loss its student learns."""

    name: str
    teachers: str
    schedule: str
    loss: str
    paper: str


@dataclass(frozen=True)
class Device:
    """A profile that `bench --device` takes."""

    name: str
    description: str


@dataclass(frozen=True)
class RunLine:
    """A run folder. Accuracies: mean over its seeds, 0 to 1. exported: model files in its export folder.

    What cannot be read is None, and `note` says why.
    """

    folder: str
    finished: bool
    method: str | None = None
    data: str | None = None
    split: str | None = None
    student_name: str | None = None
    seeds: int | None = None
    teachers: Mapping[str, float] | None = None
    baseline: float | None = None
    student: float | None = None
    exported: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Everything:
    """All that can be named on the command line, and the runs, oldest first."""

    schema: int
    datasets: tuple[DataSet, ...]
    teachers: tuple[Written, ...]
    students: tuple[Written, ...]
    methods: tuple[System, ...]
    losses: tuple[Written, ...]
    devices: tuple[Device, ...]
    runs: tuple[RunLine, ...]


def what_there_is(runs: Path = Path("runs")) -> Everything:
    """Every name that can be chosen, by kind, and the runs below the folder `runs`. Imports no torch."""
    from edgehar.data import DATASETS
    from edgehar.losses import LOSSES
    from edgehar.methods import METHODS
    from edgehar.models import STUDENTS, TEACHERS
    from edgehar.runs import list_runs
    from firmware_sim.profile import profile_names, read_profile

    return Everything(
        schema=1,
        datasets=tuple(_data_set(name, target) for name, target in DATASETS.items()),
        teachers=_written(TEACHERS),
        students=_written(STUDENTS),
        methods=tuple(_system(method) for method in METHODS.values()),
        losses=_written(LOSSES),
        devices=tuple(Device(name, read_profile(name).description) for name in profile_names()),
        runs=tuple(_run_line(run) for run in list_runs(runs)),
    )


def _data_set(name: str, target: str) -> DataSet:
    from edgehar.data.source import default_folder

    folder = default_folder(name)
    here = folder.is_dir()
    return DataSet(name, here or name == EMBEDDED, str(folder) if here else None, _module(target))


def _written(registry: Mapping[str, Any]) -> tuple[Written, ...]:
    """The names of a registry whose values are "module:attribute", or start with that."""
    targets = {name: value if isinstance(value, str) else value[0] for name, value in registry.items()}
    return tuple(Written(name, _module(target)) for name, target in targets.items())


def _module(target: str) -> str:
    return target.partition(":")[0]


def _system(method: Method) -> System:
    return System(method.name, ", ".join(method.teachers), method.schedule, method.loss, method.paper)


def _run_line(run: Run) -> RunLine:
    """One line for a run folder, also for one that was cut short: `ls` must not stop at the first bad one."""
    from edgehar.errors import InputError

    try:
        plan = run.plan
        known: dict[str, Any] = {
            "method": plan.method,
            "data": plan.data,
            "split": plan.split,
            "student_name": plan.student,
            "seeds": len(plan.seeds),
        }
        if not run.finished:
            known["note"] = f"not finished; go on: edgehar distill --resume {run.folder}"
            return RunLine(str(run.folder), False, **known)
        metrics = run.metrics
        teachers = {name: _mean(entry) for name, entry in metrics["teachers"].items()}
        known |= {"baseline": _mean(metrics["baseline"]), "student": _mean(metrics["student"])}
    except InputError as error:
        return RunLine(str(run.folder), False, note=str(error))
    except (KeyError, TypeError, AttributeError) as error:
        return RunLine(str(run.folder), False, note=f"metrics.json is not this version's ({error!r})")
    return RunLine(str(run.folder), True, **known, teachers=teachers, exported=_exported(run.folder))


def view(everything: Everything) -> RenderableType:
    """A table a kind; of the runs what tells them apart, newest last."""
    from rich.console import Group
    from rich.text import Text

    kinds = plain(everything)
    parts: list[RenderableType] = []
    for kind in ("datasets", "teachers", "students", "methods", "losses", "devices"):
        parts += [table_of(kinds[kind], title=kind), Text()]
    if not everything.runs:
        return Group(*parts, Text("No runs in ./runs yet. Type: edgehar demo"))
    parts.append(table_of([_short(line) for line in everything.runs], title="runs"))
    notes = [Text(f"{line.folder}: {line.note}") for line in everything.runs if line.note]
    return Group(*parts, *notes)


def _short(line: RunLine) -> dict[str, str | None]:
    teachers = [f"{name} {mean:.1%}" for name, mean in (line.teachers or {}).items()]
    return {
        "run": line.folder,
        "trained on": line.data and f"{line.data}, {line.split}",
        "teachers": ", ".join(teachers) or None,
        "baseline": None if line.baseline is None else f"{line.baseline:.1%}",
        "student": None if line.student is None else f"{line.student_name} {line.student:.1%}",
        "seeds": None if line.seeds is None else str(line.seeds),
        "exported": f"{len(line.exported)} files" if line.exported else None,
    }


def _mean(entry: Mapping[str, Any]) -> float:
    return entry["accuracy"]["mean"]


def _exported(folder: Path) -> tuple[str, ...]:
    files = (folder / "export").glob("*")
    return tuple(sorted(file.name for file in files if file.suffix in (".tflite", ".onnx")))
