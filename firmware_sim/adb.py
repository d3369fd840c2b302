"""A phone or watch on a cable: what a model costs there, measured through adb.

With LiteRT's own Android program (`benchmark_model`, where the user has it) or, without it, with the
student's C code, compiled static for Android's kernel and run by its shell. Nothing is installed: files go
to /data/local/tmp/edgehar and are deleted afterwards.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firmware_sim.emulator.build import WARNINGS, compile_c
from firmware_sim.emulator.places import SOURCES, Places, default_places
from firmware_sim.errors import SimError
from firmware_sim.estimate import memory_warnings, model_figures, plan_memory
from firmware_sim.model import Model
from firmware_sim.report import SCHEMA, CostReport, DeviceFigures, Latency, OperatorCost

ADB = "adb"
FOLDER = "/data/local/tmp/edgehar"
SECONDS = 600
REPEATS = 200
PARTS = {
    0xD03: "cortex-a53",
    0xD04: "cortex-a35",
    0xD05: "cortex-a55",
    0xD08: "cortex-a72",
    0xD0B: "cortex-a76",
}
# Android's name of an instruction set -> zig's target for a static program.
TARGETS = {
    "arm64-v8a": "aarch64-linux-musl",
    "armeabi-v7a": "arm-linux-musleabihf",
    "x86_64": "x86_64-linux-musl",
}
NORMAL_P90 = 1.2816  # standard deviations from the mean to the 90th percentile


@dataclass(frozen=True)
class AdbDevice:
    """A device that adb sees. abi: of its userland; core: of its first processor, None if not known here."""

    serial: str
    model: str
    abi: str
    core: str | None
    clock_mhz: float | None

    @property
    def name(self) -> str:
        """What reports call it: `adb-` and its serial, fit for a file's name."""
        return f"{ADB}-{re.sub(r'[^A-Za-z0-9_.+-]', '-', self.serial)}"


def connect(serial: str | None = None) -> AdbDevice:
    """The device of that serial, or the only one. Raises SimError where there is none, or not just one."""
    serial = _choose(serial, _states(_adb(None, "devices", "-l")))
    properties = [_adb(serial, "shell", f"getprop ro.product.{key}").strip() for key in ("model", "cpu.abi")]
    cpuinfo = _adb(serial, "shell", "cat /proc/cpuinfo")
    found = re.search(r"CPU part\s*:\s*(0x[0-9a-f]+)", cpuinfo)
    khz = _adb(
        serial, "shell", "cat /sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq 2>/dev/null || true"
    )
    return AdbDevice(
        serial=serial,
        model=properties[0],
        abi=properties[1],
        core=PARTS.get(int(found[1], 16)) if found else None,
        clock_mhz=int(khz) / 1000 if khz.strip().isdigit() else None,
    )


def measure_benchmark(model: Model, device: AdbDevice, binary: Path) -> CostReport:
    """Run LiteRT's `benchmark_model` (the program `binary`) on `model`, one thread, XNNPACK.

    Raises SimError where it fails or prints no timings.
    """
    if not binary.is_file():
        raise SimError(f"{binary}: there is no such file; give LiteRT's benchmark_model for {device.abi}.")
    with _pushed(device, {binary: "benchmark_model", model.path: "model.tflite"}):
        said = _adb(
            device.serial, "shell",
            f"cd {FOLDER} && ./benchmark_model --graph=model.tflite --num_threads=1 --use_xnnpack=true "
            f"--warmup_runs=5 --num_runs={REPEATS} 2>&1",
        )  # fmt: skip
    return _report(model, device, "litert-xnnpack", read_benchmark(said), [])


def read_benchmark(said: str) -> Latency:
    """The latency that `benchmark_model` printed, in ms; bounds are its p5 and p95 where it prints them.

    Older ones print average and standard deviation only: then the bounds are those of a normal
    distribution, 10 % on each side. Raises SimError where it printed no timings.
    """
    lines = [line for line in said.splitlines() if re.search(r"\bcount=\d+", line)]
    if not lines:
        last = ([line for line in said.splitlines() if line.strip()] or ["nothing"])[-1]
        raise SimError(f"benchmark_model printed no timings ({last.strip()}); check that it fits the device.")
    values = {key: float(number) for key, number in re.findall(r"\b(\w+)=([\d.e+]+)", lines[-1])}
    if "median" in values:
        us = (values["median"], values["p5"], values["p95"], values["p95"])
    else:
        average, spread = values.get("avg", values.get("curr", 0.0)), values.get("std", 0.0)
        low, high = average - NORMAL_P90 * spread, average + NORMAL_P90 * spread
        us = (average, max(low, values.get("min", 0.0)), high, 0.0)
    value, low, high, p95 = (number / 1000 for number in us)
    return Latency(value, low, high, p95 or None, "measured")


def measure_c(model: Model, device: AdbDevice, sources: Path, places: Places | None = None) -> CostReport:
    """Time the C code of `model` (a folder that `edgehar export --c` wrote) on the device.

    Raises SimError where it does not compile or run; golden vectors that fail there are a warning.
    """
    with tempfile.TemporaryDirectory(prefix="edgehar-adb-") as name:
        folder = Path(name)
        programs = build_static(sources, device.abi, folder, places or default_places())
        with _pushed(device, {program: program.name for program in programs}):
            failed = _adb(device.serial, "shell", f"{FOLDER}/check < /dev/null; echo $?").splitlines()
            said = _adb(device.serial, "shell", f"{FOLDER}/time_student {REPEATS}")
    times = [int(line.split()[1]) / 1e6 for line in said.splitlines() if line.startswith("ns ")]
    if not times:
        raise SimError(f"{device.name} printed no timings ({said.strip()[:100] or 'nothing'}).")
    low, value, high, p95 = (float(ms) for ms in np.percentile(times, [10, 50, 90, 95]))
    warnings = (
        []
        if failed[-1].strip() == "0"
        else [f"Golden vectors fail on {device.name}: {' '.join(failed[:-1])}"]
    )
    return _report(model, device, "edgehar-c", Latency(value, low, high, p95, "measured"), warnings)


def build_static(sources: Path, abi: str, folder: Path, places: Places) -> tuple[Path, Path]:
    """`check` (golden vectors) and `time_student`, static, for Android's `abi`. Raises SimError."""
    if abi not in TARGETS:
        raise SimError(f"C code is not compiled for {abi}; these are: {', '.join(TARGETS)}.")
    words = [
        *WARNINGS,
        "-O3",
        "-static",
        "-target",
        TARGETS[abi],
        "-I",
        str(sources),
        str(sources / "student.c"),
    ]
    check, timing = folder / "check", folder / "time_student"
    compile_c(places, [*words, str(sources / "main.c")], check)
    compile_c(places, [*words, str(SOURCES / "time_student.c")], timing)
    return check, timing


def _report(
    model: Model, device: AdbDevice, engine: str, latency: Latency, warnings: Sequence[str]
) -> CostReport:
    clock = "" if device.clock_mhz else " clock_mhz,"
    return CostReport(
        schema=SCHEMA,
        model=model_figures(model),
        device=DeviceFigures(device.name, device.core or device.model, device.clock_mhz, engine),
        method="measured",
        latency_ms=latency,
        also=(),
        counts=None,
        memory=plan_memory(model, 8 if "64" in device.abi else 4, engine, None),
        energy_uj=None,
        per_operator=tuple(OperatorCost(o.index, o.name, o.macs, None, None) for o in model.operators),
        warnings=(
            *model.warnings, *memory_warnings(model, engine), *warnings,
            f"Not measured on {device.name}:{clock} counts, energy_uj, cycles of an operator.",
        ),
    )  # fmt: skip


def _states(said: str) -> dict[str, str]:
    """Serial -> state of every line that `adb devices -l` prints below its heading."""
    lines = said.split("List of devices attached", 1)[-1].splitlines()
    found = {}
    for line in lines:
        words = line.split()
        if len(words) >= 2 and not line.startswith("*"):
            found[words[0]] = "no permissions" if words[1] == "no" else words[1]
    return found


def _choose(serial: str | None, states: dict[str, str]) -> str:
    if serial is None:
        if not states:
            raise SimError("adb sees no device; plug one in with USB debugging on, or: adb connect ADDRESS")
        if len(states) > 1:
            raise SimError(f"adb sees {len(states)} devices; choose one: --device adb:{next(iter(states))}")
        serial = next(iter(states))
    if serial not in states:
        raise SimError(f"adb sees no device {serial!r}; it sees: {', '.join(states) or 'none'}.")
    if states[serial] != "device":
        advice = {"unauthorized": "allow USB debugging on its screen", "offline": "plug it in again"}
        what = advice.get(states[serial], "see: adb devices")
        raise SimError(f"The device {serial} is {states[serial]}; {what}.")
    return serial


def push(device: AdbDevice, sources: Path, folder: str) -> int:
    """Copy every file below `sources` to `folder` on the device and compare checksums; returns the bytes.

    Raises SimError where a push fails, or a file does not arrive whole.
    """
    size = 0
    for path in sorted(path for path in sources.rglob("*") if path.is_file()):
        target = f"{folder}/{path.relative_to(sources).as_posix()}"
        quoted = shlex.quote(target)
        _adb(device.serial, "shell", f"mkdir -p {shlex.quote(target.rpartition('/')[0])}")
        _adb(device.serial, "push", str(path), target)
        said = _adb(device.serial, "shell", f"sha256sum {quoted}")
        content = path.read_bytes()
        if said.split()[:1] != [hashlib.sha256(content).hexdigest()]:
            raise SimError(f"{target} did not arrive whole on {device.name}; is its storage full?")
        size += len(content)
    return size


@contextmanager
def _pushed(device: AdbDevice, files: dict[Path, str]) -> Iterator[None]:
    """Files on the device under new names, executable, for as long as this holds."""
    _adb(device.serial, "shell", f"mkdir -p {FOLDER}")
    try:
        for source, name in files.items():
            _adb(device.serial, "push", str(source), f"{FOLDER}/{name}")
            _adb(device.serial, "shell", f"chmod 755 {shlex.quote(f'{FOLDER}/{name}')}")
        yield
    finally:
        _adb(device.serial, "shell", f"rm -rf {FOLDER}")


def _adb(serial: str | None, *words: str) -> str:
    """What adb prints. Raises SimError with its first line of complaint."""
    command = [_program(), *(["-s", serial] if serial else []), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SimError(f"adb {words[0]} did not end within {SECONDS} s; is the device asleep?") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise SimError(f"adb {words[0]} failed ({lines[-1].strip()}).")
    return done.stdout


def _program() -> str:
    folders = [os.environ.get(name) for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT")]
    kits = os.pathsep.join(str(Path(folder) / "platform-tools") for folder in folders if folder)
    found = shutil.which(ADB) or shutil.which(ADB, path=kits)
    if found is None:
        raise SimError("adb is missing. Type: apt-get install adb (or install Android's platform-tools)")
    return found
