"""What every test may ask for: recordings, a cache of its own, the `edgehar` command."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware_sim.emulator.places import Places, default_places, find_emulator
from firmware_sim.errors import SimError

# Before torch or numpy are imported anywhere: small networks are slower on many threads than on one.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

ROOT = Path(__file__).resolve().parent.parent


# Before EDGEHAR_CACHE is pointed elsewhere: what `edgehar setup emulator` fetched is too large to fetch anew.
EMULATOR = default_places()


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Points EDGEHAR_CACHE at a folder of this session, so that no test reads or fills the user's."""
    folder = tmp_path_factory.mktemp("edgehar-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def data_set() -> Callable[[str], Path]:
    """`data_set("UTD-MHAD")` is that folder of $EDGEHAR_DATA or of ./data.

    Skips where it is absent; fails instead where EDGEHAR_REQUIRE holds the word `data`.
    """

    def find(name: str) -> Path:
        folders = [ROOT / "data" / name]
        if chosen := os.environ.get("EDGEHAR_DATA"):
            folders.insert(0, Path(chosen) / name)
        for folder in folders:
            if folder.is_dir():
                return folder
        missing(f"no recordings in {' or '.join(map(str, folders))}", unless="data")
        raise AssertionError("not reached")

    return find


@pytest.fixture(scope="session")
def emulator() -> Places:
    """The installed emulator of arm64 LiteRT; skips where it is absent, as `data_set` does (`emulator`)."""
    return _installed("emulator", cortex_m=False)


@pytest.fixture(scope="session")
def arm_gcc() -> Places:
    """The installed emulator of Cortex-M boards with their compiler; likewise (`arm-gcc`)."""
    return _installed("arm-gcc", cortex_m=True)


def _installed(word: str, cortex_m: bool) -> Places:
    try:
        return find_emulator(cortex_m, EMULATOR)
    except SimError as error:
        missing(str(error), unless=word)
        raise AssertionError("not reached") from error


def missing(reason: str, unless: str) -> None:
    """Skips the test for `reason`, or fails it where the words of $EDGEHAR_REQUIRE hold `unless`."""
    required = os.environ.get("EDGEHAR_REQUIRE", "").replace(",", " ").split()
    if unless in required:
        pytest.fail(f"EDGEHAR_REQUIRE says {unless}, but {reason}")
    pytest.skip(reason)


@pytest.fixture
def edgehar_cli(tmp_path: Path) -> Callable[..., Finished]:
    """The installed `edgehar` command in a process of its own, in an empty folder if `cwd` says no other."""

    def call(*arguments: str | Path, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> Finished:
        command = Path(sys.executable).with_name("edgehar")
        if not command.exists():
            pytest.fail("edgehar is not installed beside this Python: pip install -e .")
        ended = subprocess.run(
            [command, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def edgehar() -> Callable[..., Finished]:
    """The same command line inside this process: cheap, for tests that call it often."""
    from edgehar.cli.main import run

    def call(*arguments: str | Path) -> Finished:
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            exit_code = run([str(argument) for argument in arguments])
        return Finished(exit_code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def parse() -> Callable[[str], None]:
    """`parse("export --int8")` checks a command line as far as its words go and runs nothing."""

    import typer

    from edgehar.cli.main import VERBS, app

    def check(line: str) -> None:
        verb, *words = shlex.split(line)
        if verb.startswith("-"):
            return
        assert verb in VERBS, f"edgehar {line}: no such verb"
        group = typer.main.get_command(app)
        command = group.get_command(None, verb)
        try:
            command.make_context(verb, words)
        except typer.Exit:
            pass  # --help
        except typer.TyperException as error:
            pytest.fail(f"edgehar {line}: {error.format_message()}")

    return check
