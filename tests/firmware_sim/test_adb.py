"""adb, against a stand-in program that prints what adb, Android's shell and benchmark_model print.

No device was at hand: the stand-in keeps a folder as the device's storage and runs pushed programs here.
"""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_sim.adb import AdbDevice, build_static, connect, measure_benchmark, measure_c, read_benchmark
from firmware_sim.emulator.places import Places
from firmware_sim.errors import SimError
from firmware_sim.model import Model, read_model

STAND_IN = '''#!{python}
"""Speaks as adb 1.0.41 does; its device is the folder `storage`."""
import pathlib, re, shutil, subprocess, sys
here = pathlib.Path(__file__).parent
storage = here / "storage"
words = sys.argv[1:]
with (here / "log").open("a") as log:
    log.write(" ".join(words) + "\\n")
serial = None
if words[0] == "-s":
    serial, words = words[1], words[2:]
if words[0] == "devices":
    print("* daemon not running; starting now at tcp:5037", file=sys.stderr)
    print("* daemon started successfully", file=sys.stderr)
    print("List of devices attached")
    print((here / "devices").read_text())
elif words[0] == "push":
    target = storage / words[2].lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(words[1], target)
    size = target.stat().st_size
    print(f"{{words[1]}}: 1 file pushed, 0 skipped. 35.3 MB/s ({{size}} bytes in 0.003s)")
elif words[0] == "shell":
    known = {{"getprop ro.product.model": "Watch X", "getprop ro.product.cpu.abi": "{abi}",
             "cat /proc/cpuinfo": "Hardware\\t: Generic\\nCPU part\\t: 0xd03\\n"}}
    if words[1] in known:
        print(known[words[1]])
    elif "cpuinfo_max_freq" in words[1]:
        print("1708800")
    else:
        command = words[1].replace("/data/local/tmp", str(storage / "data/local/tmp"))
        sys.exit(subprocess.run(["sh", "-c", command]).returncode)
'''
BENCHMARK = """#!/bin/sh
[ "$1" = "--graph=model.tflite" ] && [ -f model.tflite ] || { echo 'ERROR: Failed to load model' ; exit 1; }
cat <<'E'
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [1]
INFO: Graph: [model.tflite]
INFO: Use xnnpack: [1]
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: The input model file size (MB): 0.0896
INFO: Initialized session in 5.685ms.
INFO: Running benchmark for at least 5 iterations and at least 0.5 seconds.
INFO: count=812 first=1435 curr=608 min=601 max=1435 avg=612.4 std=31

INFO: Running benchmark for at least 200 iterations and at least 1 seconds.
INFO: count=1613 first=622 curr=611 min=600 max=905 avg=616.2 std=20 p5=603 median=612 p95=640

INFO: Inference timings in us: Init: 5685, First inference: 1435, Warmup (avg): 612.4, Inference (avg): 616.2
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE ...
INFO: Memory footprint delta from the start of the tool (MB): init=1.85938 overall=2.10938
E
"""
ONE = "R5CT\tdevice usb:1-1 product:x model:Watch_X device:x transport_id:1"
ABI = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}.get(platform.machine(), "other")


@pytest.fixture
def adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """`adb("line of adb devices", ...)` puts a stand-in on PATH; returns its folder."""

    def make(*devices: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "adb"
        program.write_text(STAND_IN.format(python=sys.executable, abi=ABI))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (folder / "devices").write_text("\n".join(devices) + "\n")
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return make


@pytest.fixture
def model(sketch, tmp_path: Path) -> Model:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(4, 8), -1], 1, 4)
    return read_model(graph.write(tmp_path / "dense.tflite", [x], [y]))


def test_the_only_device_is_taken_and_described(adb) -> None:
    adb(ONE)
    assert connect() == AdbDevice("R5CT", "Watch X", ABI, "cortex-a53", 1708.8)
    assert AdbDevice("192.168.1.5:5555", "", "", None, None).name == "adb-192.168.1.5-5555"


@pytest.mark.parametrize(
    ("devices", "serial", "said"),
    [
        ((), None, "adb sees no device; plug one in"),
        ((ONE, "emulator-5554\tdevice"), None, "adb sees 2 devices; choose one: --device adb:R5CT"),
        ((ONE,), "AB", "adb sees no device 'AB'; it sees: R5CT"),
        (("R5CT\tunauthorized usb:1-1",), None, "R5CT is unauthorized; allow USB debugging on its screen"),
        (("R5CT\toffline",), None, "R5CT is offline"),
        (("R5CT\tno permissions (user in plugdev group); see [http://x]",), None, "R5CT is no permissions"),
    ],
)
def test_no_or_another_device_is_one_sentence(adb, devices: tuple, serial: str | None, said: str) -> None:
    adb(*devices)
    with pytest.raises(SimError, match=said):
        connect(serial)


def test_adb_itself_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SimError, match=r"adb is missing\. Type: apt-get install adb"):
        connect()


def test_the_benchmark_program_is_pushed_run_read_and_removed(adb, model: Model, tmp_path: Path) -> None:
    folder = adb(ONE)
    binary = tmp_path / "benchmark_model"
    binary.write_text(BENCHMARK)
    report = measure_benchmark(model, connect(), binary)
    latency = report.latency_ms
    assert latency is not None
    assert (latency.value, latency.low, latency.high, latency.p95) == (0.612, 0.603, 0.640, 0.640)
    assert (report.method, latency.bounds) == ("measured", "measured")
    assert (report.device.name, report.device.core, report.device.clock_mhz) == (
        "adb-R5CT",
        "cortex-a53",
        1708.8,
    )
    assert report.device.engine == "litert-xnnpack" and report.energy_uj is None
    log = (folder / "log").read_text()
    assert all(line.startswith(("-s R5CT ", "devices")) for line in log.splitlines())
    assert "--num_threads=1 --use_xnnpack=true" in log
    assert not (folder / "storage/data/local/tmp/edgehar").exists()


def test_older_benchmark_programs_print_average_and_spread_only() -> None:
    said = "INFO: count=70 first=14401 curr=14462 min=14238 max=15893 avg=14575.2 std=217\n"
    latency = read_benchmark(said)
    assert latency.value == pytest.approx(14.5752)
    assert latency.low == pytest.approx(14.5752 - 1.2816 * 0.217)
    assert latency.high == pytest.approx(14.5752 + 1.2816 * 0.217)
    assert latency.p95 is None
    assert read_benchmark("INFO: count=1 curr=500").value == 0.5
    with pytest.raises(SimError, match=r"printed no timings \(not executable: 64-bit ELF file\)"):
        read_benchmark("\nnot executable: 64-bit ELF file\n")


def test_a_program_that_fails_there_is_one_sentence(adb, model: Model, tmp_path: Path) -> None:
    adb(ONE)
    binary = tmp_path / "benchmark_model"
    binary.write_text("#!/bin/sh\necho './benchmark_model: not executable: 64-bit ELF file' >&2; exit 126\n")
    with pytest.raises(SimError, match=r"not executable: 64-bit ELF file"):
        measure_benchmark(model, connect(), binary)
    with pytest.raises(SimError, match="absent: there is no such file"):
        measure_benchmark(model, connect(), tmp_path / "absent")


STUDENT_H = """
#include <stdint.h>
#define STUDENT_INPUTS 64
int8_t *student_input(void);
const int8_t *student_run(void);
"""
STUDENT_C = """
#include "student.h"
static int8_t x[64];
int8_t *student_input(void) { return x; }
const int8_t *student_run(void) {
    for (volatile int k = 0; k < 20000; k++) x[k % 64] = (int8_t)(x[k % 64] * 3);
    return x;
}
"""
MAIN_C = '#include <stdio.h>\nint main(void) { printf("12 of 13 golden vectors agree\\n"); return 1; }\n'


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "c"
    folder.mkdir()
    for name, content in {"student.h": STUDENT_H, "student.c": STUDENT_C, "main.c": MAIN_C}.items():
        (folder / name).write_text(content)
    return folder


@pytest.mark.slow  # the first static build for a target compiles musl: half a minute of processor time
@pytest.mark.skipif(ABI == "other", reason="the stand-in runs static programs for x86-64 or AArch64 only")
def test_c_is_compiled_static_timed_and_its_failed_vectors_told(
    adb, emulator: Places, model: Model, sources: Path
) -> None:
    adb(ONE)
    report = measure_c(model, connect(), sources, emulator)
    assert report.latency_ms is not None and 0.005 < report.latency_ms.value < 50
    assert report.latency_ms.low <= report.latency_ms.value <= report.latency_ms.high
    assert report.device.engine == "edgehar-c"
    assert any("Golden vectors fail on adb-R5CT: 12 of 13" in warning for warning in report.warnings)


@pytest.mark.slow
@pytest.mark.parametrize(("abi", "machine"), [("arm64-v8a", 0xB7), ("armeabi-v7a", 0x28)])
def test_programs_for_android_are_static_and_of_its_kind(
    abi: str, machine: int, emulator: Places, sources: Path, tmp_path: Path
) -> None:
    for program in build_static(sources, abi, tmp_path / "out", emulator):
        content = program.read_bytes()
        assert content[:4] == b"\x7fELF" and int.from_bytes(content[18:20], "little") == machine
        assert b"ld-musl" not in content and b"ld-linux" not in content
    with pytest.raises(SimError, match="not compiled for mips"):
        build_static(sources, "mips", tmp_path / "out", emulator)
