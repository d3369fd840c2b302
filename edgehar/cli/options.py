"""The options that several verbs share, written once so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

RunArg = Annotated[
    Path | None,
    typer.Argument(
        metavar="RUN", help="Run folder; without one, the latest finished in ./runs.", show_default=False
    ),
]
RunOrFileArg = Annotated[
    Path | None,
    typer.Argument(
        metavar="RUN|FILE",
        help="Run folder or model file; without one, the latest finished run in ./runs.",
        show_default=False,
    ),
]
RunsOrFilesArg = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[RUN|FILE]",
        help="Run folders or model files; without one, the latest finished run in ./runs.",
        show_default=False,
    ),
]

DataOption = Annotated[
    str, typer.Option("--data", metavar="NAME|FILE", help="Data set (all: edgehar ls) or manifest.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        help="Where its recordings lie; default $EDGEHAR_DATA/<data set>, else ./data/<data set>.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="NAME[:ARGUMENT]",
        help="Who trains and who tests: cross-subject:1,3,5, leave-one-subject-out, k-fold:5, "
        "file:parts.csv; docs/protocol.md has all.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="PATH", help="Where to write instead.", show_default=False)
]
OneSeed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Seed of the run; default its first.", show_default=False),
]


def new_app() -> typer.Typer:
    """The typer app of one verb's file: plain help, which is quick to print and to read in a pipe."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
