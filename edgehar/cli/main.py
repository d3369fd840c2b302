"""The front door: finds the verb that was typed, imports its file alone, and answers with an exit code.

`edgehar --help` reads the table below and imports no verb, so that it answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edgehar import __version__
from edgehar.errors import InputError

# verb: (its file, its line in `edgehar --help`), in the order in which a newcomer needs them.
VERBS = {
    "demo": ("edgehar.cli.demo", "Distill, export and bench on the embedded motion data, in one go."),
    "distill": ("edgehar.cli.distill", "Train teachers, baseline and student; write a run folder."),
    "export": ("edgehar.cli.export", "Turn a run's student into .tflite and .onnx files; check them."),
    "bench": ("edgehar.cli.bench", "What a model file costs on a device: latency, memory, operators."),
    "eval": ("edgehar.cli.eval", "Accuracy of a run or of any exported file."),
    "predict": ("edgehar.cli.predict", "Classes over time for one recording."),
    "data": ("edgehar.cli.data", "Your own recordings: write a manifest, read everything once."),
    "lint": ("edgehar.cli.lint", "Operators of a file that a target will refuse or run slowly."),
    "deploy": ("edgehar.cli.deploy", "A student in a phone's browser, or its files on a phone."),
    "compare": ("edgehar.cli.compare", "One table and one picture of several runs, or one run by class."),
    "calibrate": ("edgehar.cli.calibrate", "The simulator's coefficients from measured latencies."),
    "setup": ("edgehar.cli.setup", "Fetch what a plain installation lacks: emulator, LiteRT.js."),
    "ls": ("edgehar.cli.ls", "What there is: data, networks, methods, losses, devices, runs."),
    "doctor": ("edgehar.cli.doctor", "What is installed, what is missing, and what to type to get it."),
}


class Verbs(TyperGroup):
    """A group whose commands are named by VERBS and imported when they are called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(VERBS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        if cmd_name not in VERBS:
            return None
        module, _ = VERBS[cmd_name]
        command = typer.main.get_command(import_module(module).app)
        _keep_stdout_for_results(command)
        _keep_examples_whole(command)
        return command

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        if args[0] not in VERBS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise _no_such_verb(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


def _no_such_verb(name: str) -> InputError:
    near = get_close_matches(name, VERBS, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"No verb called {name!r}.{guess} All verbs: edgehar --help")


def _keep_stdout_for_results(command: Any) -> None:
    """Wraps a verb, or every verb of a group, so that only `show` reaches stdout while it works."""
    for nested in getattr(command, "commands", {}).values():
        _keep_stdout_for_results(nested)
    if (work := command.callback) is not None:

        def kept(**options: Any) -> Any:
            from edgehar.cli.output import only_results_on_stdout

            with only_results_on_stdout():
                return work(**options)

        command.callback = kept


def _keep_examples_whole(command: Any) -> None:
    """Gives each example of a help its own line, never broken, so that it can be copied."""
    for nested in getattr(command, "commands", {}).values():
        _keep_examples_whole(nested)
    if command.epilog:
        unbroken = "\b\n"  # to the help's formatter
        command.epilog = unbroken + command.epilog.replace(": edgehar ", ":\n  edgehar ").replace(". ", "\n")


app = typer.Typer(
    cls=Verbs,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110, "help_option_names": ["--help", "-h"]},
    subcommand_metavar="VERB ...",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"edgehar {__version__}")
        raise typer.Exit()


@app.callback(
    invoke_without_command=True, epilog="Example: edgehar demo. Each verb has one: edgehar distill --help"
)
def front_door(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Teachers that see teach students that feel.

    Trains a teacher on video, depth or skeletons, distils it into a network that reads a wrist's
    accelerometer, exports that as .tflite and .onnx, and says what it costs on a small device.
    """
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def run(args: Sequence[str]) -> int:
    """Runs one command line (without the program's name) and returns its exit code.

    0 done; 1 done, but a check failed; 2 unusable input or usage, said in one sentence on stderr;
    130 interrupted. What is not the user's doing is not caught: a bug is a traceback.
    """
    try:
        code = typer.main.get_command(app).main(args=list(args), prog_name="edgehar", standalone_mode=False)
        sys.stdout.flush()  # here, so that a full disk behind `> file` is told like any other
        if code == 130:  # typer turns Ctrl-C into this
            raise KeyboardInterrupt
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        from edgehar.cli.errors import tell

        if (told := tell(error, debug="--debug" in args)) is None:
            raise
        return told
    return code if type(code) is int else 0


def main() -> None:
    """The `edgehar` command."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
