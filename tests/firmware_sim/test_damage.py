"""A thousand damaged model files: never a crash, a hang or a gigabyte, always a report or one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from firmware_sim.errors import SimError
from firmware_sim.estimate import estimate
from firmware_sim.memory import plan_for
from firmware_sim.model import read_model
from firmware_sim.picture import find_peak
from firmware_sim.profile import read_profile

GIBIBYTE = 2**30
ALONE = 2**27  # bytes of a process that has only what an estimate needs
SMALL = ("str_ww_ref_model.tflite", "kws_ref_model.tflite", "kws_ref_model_float32.tflite",
         "pretrainedResnet_quant.tflite", "ad01_int8.tflite")  # fmt: skip
DEVICES = ("cpu-arm", "nucleo-l4r5zi", "ek-ra6m4")
SECONDS = 20  # a hang is longer, even on a machine with much else to do


class Peak:
    """The most bytes that this process held since it was made, beyond what it held then (Linux)."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
        self.before = self._status("VmRSS")

    @property
    def bytes(self) -> int:
        return self._status("VmHWM") - self.before

    def _status(self, key: str) -> int:
        return status_bytes(Path("/proc/self/status").read_text(), key)


def status_bytes(text: str, key: str) -> int:
    """What /proc/PID/status says of memory, in bytes."""
    return 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{key}:"))


@pytest.fixture(scope="module")
def peak() -> Peak:
    """Counted from here on: other tests of this process may have loaded whole frameworks."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("needs /proc/self/clear_refs (Linux)")
    return Peak()


@pytest.fixture(scope="module")
def seeds(data_set) -> list[bytes]:
    folder = data_set("mlperf_tiny") / "models"
    return [(folder / name).read_bytes() for name in SMALL]


@st.composite
def _damage(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], int, list[tuple[int, int, int]]]:
    """Which seed; bytes set at places from the end; how many bytes are cut off; blocks that are moved."""
    places = st.tuples(st.integers(1, 2**20), st.integers(0, 255))
    blocks = st.tuples(st.integers(0, 2**20), st.integers(0, 2**20), st.integers(1, 256))
    cut = st.one_of(st.just(0), st.just(0), st.integers(1, 2**20))
    return (
        draw(st.integers(0, len(SMALL) - 1)),
        draw(st.lists(places, max_size=24)),
        draw(cut),
        draw(st.lists(blocks, max_size=2)),
    )


def _apply(content: bytes, changes, cut: int, blocks) -> bytes:
    damaged = bytearray(content)
    for place, value in changes:
        # The tables lie at both ends of these files; the middle is weights, where nothing can go wrong.
        near = place % 16_000
        damaged[-(near % len(damaged)) if place % 4 else near % min(len(damaged), 4000)] = value
    for source, target, length in blocks:
        source, target = source % len(damaged), target % len(damaged)
        piece = damaged[source : source + length]
        damaged[target : target + len(piece)] = piece
    return bytes(damaged[: len(damaged) - cut % len(damaged)])


@seed(6)
@settings(max_examples=1000, deadline=None, database=None, derandomize=False,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(_damage())
def test_a_thousand_damaged_files(peak: Peak, seeds: list[bytes], tmp_path: Path, damage) -> None:
    number, changes, cut, blocks = damage
    path = tmp_path / "damaged.tflite"
    path.write_bytes(_apply(seeds[number], changes, cut, blocks))
    started = time.monotonic()
    try:
        model = read_model(path)
        report = estimate(model, read_profile(DEVICES[len(changes) % len(DEVICES)]))
        assert find_peak(model, plan_for(model, "litert-xnnpack")).hint
    except SimError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
    else:
        assert report.latency_ms is None or report.latency_ms.value >= 0
    assert time.monotonic() - started < SECONDS


def test_they_take_less_than_a_gibibyte(peak: Peak) -> None:
    """Runs after the thousand. A process that has only what an estimate needs holds 0.1 GiB before."""
    assert peak.bytes < GIBIBYTE - ALONE


def test_a_process_that_estimates_is_small(peak: Peak, seeds: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(seeds[0])
    program = (
        "import sys; from pathlib import Path\n"
        "from firmware_sim.estimate import estimate; from firmware_sim.model import read_model\n"
        "from firmware_sim.profile import read_profile\n"
        "estimate(read_model(Path(sys.argv[1])), read_profile('cpu-arm'))\n"
        "print(Path('/proc/self/status').read_text())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True)
    assert status_bytes(done.stdout.decode(), "VmHWM") < ALONE


def test_a_tensor_that_claims_terabytes_costs_nothing(peak: Peak, sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 1, 1, 2**31 - 1)
    y = graph.operator(
        "CONV_2D", [x, graph.tensor(2**31 - 1, 1, 1, 2**31 - 1, data=b""), -1], 1, 1, 1, 2**31 - 1
    )
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    with pytest.raises(SimError):
        estimate(read_model(path), read_profile("cpu-arm"))
    assert peak.bytes < GIBIBYTE - ALONE
