"""`edgehar doctor`: what this machine has of what edgehar needs, and what to type to get the rest."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import show
from edgehar.cli.tools import Tool, find_tools
from edgehar.errors import InputError

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from rich.console import RenderableType

SUPPORTED = "Python 3.11 or 3.12"
# What of a plain `pip install .` is wanted, but nothing stops without it.
OPTIONAL = {"tflite-micro": "the referee for arenas (Linux only)"}
EXTRAS = {
    "video": "teachers that watch .avi or .mp4 files",
    "ethos-u": "edgehar lint --for ethos-u",
    "dev": "the tests",
}

app = new_app()


@app.command(epilog="Example: edgehar doctor. For a program: edgehar doctor --json")
def doctor(as_json: AsJson = False, debug: Debug = False) -> None:
    """What is installed, what is missing, and what to type to get it.

    Exits 1 if something is missing that distill, export or bench need.
    """
    report = examine()
    show(report, as_json, view)
    if not report.ready:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Package:
    """version: the installed one, None if missing. type_this: None where nothing needs doing."""

    name: str
    version: str | None
    wanted: str
    needed_for: str
    required: bool
    fits: bool
    type_this: str | None


@dataclass(frozen=True)
class DataSet:
    """A data set's recordings: the folder where they lie, or where they are looked for."""

    name: str
    folder: str
    here: bool


@dataclass(frozen=True)
class Machine:
    """cuda: names of the GPUs that torch can use. torch_error: why torch cannot be imported, or None."""

    system: str
    processor: str
    cpus: int
    torch_threads: int | None
    cuda: tuple[str, ...]
    torch_error: str | None


@dataclass(frozen=True)
class Report:
    """ready: nothing that is required is missing or of a wrong version."""

    schema: int
    ready: bool
    edgehar: str
    python: str
    python_fits: bool
    machine: Machine
    cache_folder: str
    cache_bytes: int
    datasets: tuple[DataSet, ...]
    packages: tuple[Package, ...]
    tools: tuple[Tool, ...]


def examine() -> Report:
    """Looks at Python, packages, tools, processor, GPU, cache and recordings. Changes nothing."""
    from edgehar import __version__
    from edgehar.cache import cache_dir

    packages, machine = tuple(_packages()), _machine()
    python_fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    whole = all(package.fits for package in packages if package.required)
    return Report(
        schema=1,
        ready=python_fits and whole and machine.torch_error is None,
        edgehar=__version__,
        python=platform.python_version(),
        python_fits=python_fits,
        machine=machine,
        cache_folder=str(cache_dir()),
        cache_bytes=folder_bytes(cache_dir()),
        datasets=tuple(_data_sets()),
        packages=packages,
        tools=tuple(find_tools()),
    )


def _packages() -> Iterator[Package]:
    """Every package that edgehar's own metadata asks for on this machine, what is required first.

    Raises InputError where edgehar is run without being installed: nothing then says what it needs.
    """
    from packaging.requirements import Requirement

    try:
        about = metadata.metadata("edgehar")
    except metadata.PackageNotFoundError:
        raise InputError(
            f"edgehar is not installed in {sys.prefix}. Type in its clone: pip install ."
        ) from None
    requirements = [Requirement(text) for text in about.get_all("Requires-Dist") or ()]
    seen = set()
    for extra in ("", *EXTRAS):
        for requirement in requirements:
            if requirement.name not in seen and _applies(requirement, extra):
                seen.add(requirement.name)
                yield _package(requirement, extra)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _package(requirement: Requirement, extra: str) -> Package:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        version = None
    fits = version is not None and requirement.specifier.contains(version, prereleases=True)
    wanted = f"{requirement.name}{requirement.specifier}"
    return Package(
        name=requirement.name,
        version=version,
        wanted=str(requirement.specifier),
        needed_for=EXTRAS.get(extra) or OPTIONAL.get(requirement.name) or "distill, export, bench",
        required=not extra and requirement.name not in OPTIONAL,
        fits=fits,
        type_this=None if fits else f'pip install "{wanted}"',
    )


def _machine() -> Machine:
    """The processor, and what torch can use of it and of a GPU."""
    threads, failed = None, None
    cuda: tuple[str, ...] = ()
    try:
        import torch

        threads = torch.get_num_threads()
        cuda = tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    except (ImportError, OSError) as error:  # OSError: torch is there, a library that it loads is not
        failed = str(error)
    system, cpus = platform.platform(terse=True), os.cpu_count() or 1
    return Machine(system, platform.machine(), cpus, threads, cuda, failed)


def _data_sets() -> Iterator[DataSet]:
    from edgehar.cli.ls import EMBEDDED
    from edgehar.data import DATASETS
    from edgehar.data.source import default_folder

    for name in DATASETS:
        if name != EMBEDDED:
            folder = default_folder(name)
            yield DataSet(name, str(folder), folder.is_dir())


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, 0 if there is none; files that vanish meanwhile do not count."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                continue
    return total


def view(report: Report) -> RenderableType:
    """Short tables, and last the lines to type."""
    from rich.console import Group
    from rich.text import Text

    wanted = [package.type_this for package in report.packages] + [tool.type_this for tool in report.tools]
    lines = [Text(line, no_wrap=True) for line in wanted if line]
    closing = [Text("To get what is missing, type:"), *lines] if lines else [Text("Nothing is missing.")]
    return Group(_facts(report), _packages_table(report), _tools_table(report), *closing)


def _facts(report: Report) -> RenderableType:
    from rich.table import Table

    machine = report.machine
    facts = Table(show_header=False, box=None)
    facts.add_row("edgehar", report.edgehar)
    facts.add_row(
        "Python", report.python if report.python_fits else f"{report.python}, but needs {SUPPORTED}"
    )
    facts.add_row("machine", f"{machine.system}, {machine.processor}, {machine.cpus} CPUs")
    facts.add_row("torch", machine.torch_error or f"{machine.torch_threads} threads, {_gpus(machine)}")
    facts.add_row("cache", f"{report.cache_folder}, {report.cache_bytes / 2**20:.1f} MiB ($EDGEHAR_CACHE)")
    for data in report.datasets:
        facts.add_row(
            data.name, data.folder if data.here else f"not in {data.folder} (--data-dir, $EDGEHAR_DATA)"
        )
    return facts


def _packages_table(report: Report) -> RenderableType:
    from rich.table import Table

    packages = Table()
    for column in ("package", "installed", "wanted", "for"):
        packages.add_column(column)
    for package in report.packages:
        style = None if package.fits else "red" if package.required else "yellow"
        packages.add_row(
            package.name, package.version or "missing", package.wanted, package.needed_for, style=style
        )
    return packages


def _tools_table(report: Report) -> RenderableType:
    from rich.table import Table

    tools = Table()
    for column in ("tool", "", "for"):
        tools.add_column(column)
    for tool in report.tools:
        style = None if tool.here else "yellow"
        tools.add_row(tool.name, "here" if tool.here else "missing", tool.needed_for, style=style)
    return tools


def _gpus(machine: Machine) -> str:
    return f"CUDA on {', '.join(machine.cuda)}" if machine.cuda else "no CUDA"
