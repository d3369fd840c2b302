"""Compiles a student's C code for a Cortex-M, runs it on an emulated board, and counts every layer.

The board is one of Arm's MPS2 boards as QEMU models them: the core's instructions exactly, no timing.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.emulator.build import build_plugin
from firmware_sim.emulator.counts import InstructionCounts, read_markers
from firmware_sim.emulator.places import SOURCES, Places, find_emulator
from firmware_sim.errors import SimError

LAYER, BEGIN, END, FAULTED = 0, 1, 2, 3  # the markers of c/marks.h
SECONDS = 300
OPTIMISED = ("-O3", "-fno-tree-loop-distribute-patterns")
FAULT = "the emulated core faulted (a bad address or an instruction that it lacks)"


@dataclass(frozen=True)
class Board:
    """A board of QEMU's with the core, its compiler options and its memory (addresses, bytes)."""

    machine: str
    options: tuple[str, ...]
    flash: int
    ram: int
    ram_bytes: int


_M4 = Board(
    "mps2-an386", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"), 0, 0x20000000, 1 << 22
)
BOARDS = {
    "cortex-m3": Board("mps2-an385", ("-mcpu=cortex-m3",), 0, 0x20000000, 1 << 22),
    "cortex-m4": _M4,
    "cortex-m4f": _M4,
    "cortex-m7": Board(
        "mps2-an500", ("-mcpu=cortex-m7", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"), 0, 0x20000000, 1 << 22
    ),
    "cortex-m33": Board(
        "mps2-an505", ("-mcpu=cortex-m33", "-mfloat-abi=hard"), 0x10000000, 0x38000000, 1 << 21
    ),
}


@dataclass(frozen=True)
class Inference:
    """Counts of one call of student_run: of all of it, and of each layer in the order of its marks."""

    counts: InstructionCounts
    layers: tuple[InstructionCounts, ...]


@dataclass(frozen=True)
class CortexMRun:
    """A program's run on an emulated core.

    exit_code: what its main returned; output: what it printed; inferences: one a call of student_run.
    text_bytes: code and constants; ram_bytes: variables, without the stack.
    """

    core: str
    exit_code: int
    output: str
    inferences: tuple[Inference, ...]
    text_bytes: int
    ram_bytes: int

    @property
    def counts(self) -> InstructionCounts:
        """Of the first inference."""
        return self.inferences[0].counts


def run_cortex_m(
    sources: Path, core: str, places: Places | None = None, words: Sequence[str] = OPTIMISED
) -> CortexMRun:
    """Run the C sources of a folder, or an .elf file compiled by `compile_cortex_m`, on an emulated core.

    sources: a folder whose *.c hold a `main`, and a `student_run` without arguments (what
    `edgehar export --c` writes); each of its calls is counted, and its layers where it calls STUDENT_MARK
    after each. core: one of BOARDS. Raises SimError where nothing is installed, the sources do not
    compile, or the program faults or calls no student_run.
    """
    places = find_emulator(cortex_m=True, places=places)
    board = _board(core)
    with tempfile.TemporaryDirectory(prefix="edgehar-cortex-m-") as name:
        folder = Path(name)
        program = (
            sources
            if sources.is_file()
            else compile_cortex_m(sources, core, folder / "student.elf", places, words)
        )
        exit_code, output = _emulate(program, board, folder / "counts", places)
        inferences = _inferences(read_markers(folder / "counts"))
        if not inferences:
            raise SimError(f"{sources}: the program never called student_run; nothing was counted.")
        return CortexMRun(core, exit_code, output, inferences, *_sizes(program, places))


def compile_cortex_m(
    sources: Path, core: str, out: Path, places: Places | None = None, words: Sequence[str] = OPTIMISED
) -> Path:
    """Compile and link the *.c of a folder for `core`; words: further options. Returns `out`.

    Raises SimError with the compiler's first error.
    """
    places = find_emulator(cortex_m=True, places=places)
    files = sorted(sources.glob("*.c"))
    if not files:
        raise SimError(f"{sources}: holds no C files. Type: edgehar export --c")
    board = _board(core)
    command = [
        str(places.arm_gcc), *board.options, "-mthumb", "-std=c11", "-ffunction-sections", "-fdata-sections",
        *_newlib(places, board), *words, "-I", str(SOURCES), "-include", str(SOURCES / "marks.h"),
        "-nostartfiles", "-T", str(SOURCES / "cortex_m.ld"), "-Wl,--gc-sections,--wrap=student_run",
        f"-Wl,--defsym=__flash={board.flash},--defsym=__ram={board.ram},--defsym=__ram_bytes={board.ram_bytes}",
        "-Wl,--no-warn-rwx-segments", str(SOURCES / "boot.c"), str(SOURCES / "marks.c"),
        *map(str, files), "-o", str(out), "-lm",
    ]  # fmt: skip
    done = subprocess.run(command, env=places.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
        raise SimError(f"{sources}: cannot be compiled for {core} ({(errors or [done.stderr.strip()])[0]}).")
    return out


def _board(core: str) -> Board:
    if core not in BOARDS:
        raise SimError(f"{core} is not emulated; these are: {', '.join(BOARDS)}.")
    return BOARDS[core]


def _newlib(places: Places, board: Board) -> list[str]:
    """Where the unpacked compiler, which looks under /usr, finds its C library."""
    library = places.host / "usr" / "lib" / "arm-none-eabi" / "newlib"
    told = subprocess.run(
        [str(places.arm_gcc), *board.options, "-mthumb", "-print-multi-directory"],
        env=places.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    variant = library / told.stdout.strip()
    headers = places.host / "usr" / "include" / "newlib"
    return [
        "-isystem", str(headers), f"-B{variant}/", f"-L{variant}", f"--specs={variant / 'rdimon.specs'}",
    ]  # fmt: skip


def _emulate(program: Path, board: Board, counts: Path, places: Places) -> tuple[int, str]:
    command = [
        str(places.qemu_system), "-M", board.machine, "-display", "none", "-monitor", "none",
        "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-L", str(places.host / "usr" / "share" / "qemu"),
        "-plugin", f"{build_plugin(places)},out={counts}", "-kernel", str(program),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, env=places.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SimError(f"{program.name}: did not end within {SECONDS} s on {board.machine}.") from error
    if any(number == FAULTED for number, _ in read_markers(counts)):
        raise SimError(f"{program.name}: {FAULT}; check the C code's addresses and alignment.")
    return done.returncode, done.stdout


def _inferences(markers: list[tuple[int, InstructionCounts]]) -> tuple[Inference, ...]:
    inferences: list[Inference] = []
    begin: InstructionCounts | None = None
    layers: list[InstructionCounts] = []
    previous: InstructionCounts | None = None
    for number, counts in markers:
        if number == BEGIN:
            begin = previous = counts
            layers = []
        elif number == LAYER and previous is not None:
            layers.append(counts - previous)
            previous = counts
        elif number == END and begin is not None:
            inferences.append(Inference(counts - begin, tuple(layers)))
            begin = previous = None
    return tuple(inferences)


def _sizes(program: Path, places: Places) -> tuple[int, int]:
    """text (with constants) and data + bss of an .elf file, in bytes."""
    told = subprocess.run(
        [str(places.arm_gcc.with_name("arm-none-eabi-size")), str(program)],
        env=places.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    text, data, bss, *_ = told.stdout.splitlines()[1].split()
    return int(text) + int(data), int(data) + int(bss)
