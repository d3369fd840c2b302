import errno
import os
import re
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest
import typer

from edgehar.cli.main import VERBS, app
from edgehar.cli.options import new_app
from edgehar.errors import InputError
from export.errors import ExportError
from firmware_sim.errors import SimError

HEAVY = ["torch", "lightning", "torchmetrics", "litert_torch", "onnx", "onnxruntime", "scipy", "numpy"]


@pytest.fixture
def verb(monkeypatch):
    """`verb(work)` makes `edgehar try` a verb that calls `work`."""

    def make(work):
        module = ModuleType("tried_verb")
        module.app = new_app()

        @module.app.command()
        def tried(debug: bool = False) -> None:
            work()

        monkeypatch.setitem(sys.modules, "tried_verb", module)
        monkeypatch.setitem(VERBS, "try", ("tried_verb", ""))

    return make


def raising(error):
    def work():
        raise error

    return work


def imported_by(code):
    """Which heavy packages a fresh Python has imported after running `code`."""
    code += f"\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stderr.split()


def test_help_imports_nothing_heavy_and_no_verb():
    code = """
from edgehar.cli.main import VERBS, run
import sys
assert run(["--help"]) == 0
assert not [module for module, _ in VERBS.values() if module in sys.modules]
assert "rich" not in sys.modules"""
    assert imported_by(code) == []


def test_help_of_every_verb_imports_nothing_heavy():
    code = "from edgehar.cli.main import VERBS, run\nfor verb in VERBS: assert run([verb, '--help']) == 0"
    assert imported_by(code) == []


def test_no_arguments_show_the_help(edgehar):
    assert edgehar() == edgehar("--help")
    assert edgehar().exit_code == 0


@pytest.mark.parametrize("verb_name", VERBS)
def test_help_lists_every_verb_with_its_line(edgehar, verb_name):
    assert f"{verb_name} " in edgehar("--help").stdout
    assert VERBS[verb_name][1] in edgehar("--help").stdout


@pytest.mark.parametrize("verb_name", VERBS)
def test_every_verb_has_a_file_of_its_name_and_the_common_options(edgehar, verb_name):
    module, _ = VERBS[verb_name]
    assert module == f"edgehar.cli.{verb_name}"
    command = typer.main.get_command(import_module(module).app)
    for words in [[verb_name, name] for name in getattr(command, "commands", {})] or [[verb_name]]:
        told = edgehar(*words, "--help")
        assert told.exit_code == 0
        assert "--json" in told.stdout
        assert "--debug" in told.stdout


@pytest.mark.parametrize("verb_name", VERBS)
def test_every_example_can_be_typed(edgehar, parse, verb_name):
    _, _, examples = edgehar(verb_name, "--help").stdout.partition("Example:\n")
    lines = re.findall(r"^    edgehar (.+)$", examples, re.MULTILINE)
    assert lines, f"edgehar {verb_name} --help has no example"
    assert lines[0].split()[0] == verb_name
    for line in lines:
        parse(line)


def test_the_command_answers_in_a_process_of_its_own(edgehar_cli):
    told = edgehar_cli("--version")
    assert (told.exit_code, told.stderr) == (0, "")
    assert re.fullmatch(r"edgehar \d+\.\d+\.\d+\n", told.stdout)


def test_unknown_verb_suggests_the_nearest(edgehar):
    told = edgehar("exprot", "--int8")
    assert told.exit_code == 2
    assert told.stdout == ""
    assert told.stderr == "No verb called 'exprot'. Did you mean 'export'? All verbs: edgehar --help\n"


def test_unknown_verb_far_from_all_suggests_none(edgehar):
    assert edgehar("zzz").stderr == "No verb called 'zzz'. All verbs: edgehar --help\n"


def test_unknown_option_suggests_the_nearest(edgehar):
    told = edgehar("ls", "--jsn")
    assert told.exit_code == 2
    expected = "edgehar ls: No such option: --jsn. Did you mean --json? All options: edgehar ls --help\n"
    assert told.stderr == expected


def test_value_of_a_wrong_type_is_one_sentence(edgehar):
    told = edgehar("distill", "--epochs", "many")
    assert told.exit_code == 2
    assert told.stderr.startswith("edgehar distill: Invalid value for '--epochs'")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("room", [InputError, ExportError, SimError])
def test_unusable_input_is_one_sentence_and_2(edgehar, verb, room):
    verb(raising(room("clips.csv is empty: add a row.")))
    told = edgehar("try")
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", "clips.csv is empty: add a row.\n")


def test_debug_shows_the_traceback_too(edgehar, verb):
    verb(raising(InputError("clips.csv is empty: add a row.")))
    told = edgehar("try", "--debug")
    assert told.exit_code == 2
    assert "Traceback" in told.stderr
    assert told.stderr.endswith("clips.csv is empty: add a row.\n")


def test_a_bug_is_not_caught(edgehar, verb):
    verb(raising(ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        edgehar("try")


def test_a_failed_check_is_1(edgehar, verb):
    verb(raising(typer.Exit(1)))
    assert edgehar("try").exit_code == 1


def test_ctrl_c_is_130(edgehar, verb):
    verb(raising(KeyboardInterrupt()))
    told = edgehar("try")
    assert (told.exit_code, told.stderr) == (130, "Interrupted.\n")


def test_ctrl_c_that_became_an_exit_is_130(edgehar, verb):
    def work():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)  # as Lightning's Trainer does

    verb(work)
    assert edgehar("try").exit_code == 130


def test_another_exit_is_passed_on(edgehar, verb):
    verb(raising(SystemExit(3)))
    with pytest.raises(SystemExit) as raised:
        edgehar("try")
    assert raised.value.code == 3


def test_what_a_verb_prints_by_the_way_goes_to_stderr(edgehar, verb):
    verb(lambda: print("chatter"))
    told = edgehar("try")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "chatter\n")


def test_a_full_disk_behind_stdout_is_told(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    code = "import sys; from edgehar.cli.main import run; sys.exit(run(['--help']))"
    with open("/dev/full", "w") as full:
        ended = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.stderr.startswith("The disk is full while writing")
    assert ended.returncode == 2


def test_a_reader_that_leaves_early_is_no_error():
    code = "import sys; from edgehar.cli.main import run; sys.exit(run(['ls']))"
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_verb_is_importable_by_its_table_entry():
    for module, line in VERBS.values():
        assert typer.main.get_command(import_module(module).app).callback is not None
        assert line.endswith(".")


def test_completion_offers_the_verbs():
    group = typer.main.get_command(app)
    with group.make_context("edgehar", [], resilient_parsing=True) as context:
        assert [item.value for item in group.shell_complete(context, "d")] == [
            "demo",
            "distill",
            "data",
            "deploy",
            "doctor",
        ]


def test_disk_errors_name_the_file(edgehar, verb):
    verb(raising(OSError(errno.ENOSPC, "No space left on device", "a/log.csv")))
    told = edgehar("try")
    assert told.exit_code == 2
    assert told.stderr == (
        "The disk is full while writing a/log.csv: free some space and run the same command again.\n"
    )
