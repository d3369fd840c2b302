"""The report of an emulated run: contract, parity, and the estimate beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware_sim.emulator.places import Places
from firmware_sim.emulator.report import compare_outputs, emulate, emulate_c, processor_of
from firmware_sim.errors import SimError
from firmware_sim.estimate import estimate
from firmware_sim.model import Model, read_model
from firmware_sim.profile import read_profile
from firmware_sim.report import CostReport
from firmware_sim.runtimes.session import Port


@pytest.fixture
def model(sketch, tmp_path: Path) -> Model:
    graph = sketch("int8")
    x = graph.tensor(1, 64)
    y = graph.operator("FULLY_CONNECTED", [x, graph.weights(128, 64), -1], 1, 128)
    z = graph.operator("FULLY_CONNECTED", [y, graph.weights(10, 128), -1], 1, 10)
    return read_model(graph.write(tmp_path / "dense.tflite", [x], [z]))


def test_an_emulated_report_keeps_the_contract_and_adds_to_it(emulator: Places, model: Model) -> None:
    profile = read_profile("cpu-arm")
    estimated = estimate(model, profile)
    report = emulate(model, profile, estimated, emulator)
    plain = report.to_json()
    assert set(estimated.to_json()) <= set(plain)
    assert plain["method"] == "emulated" and plain["memory"] == estimated.to_json()["memory"]
    assert plain["also"][-1] == {"method": "estimated", "latency_ms": estimated.to_json()["latency_ms"]}
    latency = report.latency_ms
    assert latency is not None and latency.low < latency.value < latency.high
    assert report.counts is not None and report.counts.instructions == sum(plain["classes"].values())
    assert report.parity is not None and (report.parity.values, report.parity.differing) == (10, 0)
    assert "MobileNetV1" in plain["core_model"]["source"]


def test_operators_sum_to_the_whole_and_stand_beside_their_estimates(emulator: Places, model: Model) -> None:
    profile = read_profile("cpu-arm")
    report = emulate(model, profile, estimate(model, profile), emulator)
    cycles = [cost.cycles for cost in report.per_operator]
    assert report.latency_ms is not None
    assert sum(c or 0 for c in cycles) == pytest.approx(report.latency_ms.value * 1000 * profile.clock_mhz)
    assert sum(cost.share or 0 for cost in report.per_operator) == pytest.approx(1)
    for difference in report.differences:
        assert difference.ratio == pytest.approx(difference.emulated_cycles / difference.estimated_cycles)
        if not 0.8 <= difference.ratio <= 1.25:
            assert difference.reason


def test_a_core_that_is_not_emulated_is_one_sentence(model: Model) -> None:
    profile = read_profile("nucleo-h7a3zi")
    with pytest.raises(SimError, match="cortex-m7 is not emulated; these are: cortex-a53"):
        processor_of(profile)
    cpu = read_profile("cpu-arm")
    with pytest.raises(SimError, match="cortex-a53 is not emulated"):
        emulate_c(model, cpu, estimate(model, cpu), model.path)


def test_outputs_are_compared_in_steps() -> None:
    ports = [Port("scores", (1, 3), np.dtype(np.int8), 0.1, 0)]
    parity = compare_outputs(ports, [np.array([[1, 2, 3]], np.int8)], np.array([1, 0, 4], np.int8).tobytes())
    assert (parity.values, parity.differing, parity.largest) == (3, 2, 2.0)
    with pytest.raises(SimError, match="gave 2 bytes"):
        compare_outputs(ports, [np.array([[1, 2, 3]], np.int8)], b"ab")


C_STUDENT = """
#include <stdint.h>
static int8_t x[64], y[10];
const int8_t *student_run(void) {
    for (int i = 0; i < 64; i++) x[i] = (int8_t)i;
    STUDENT_MARK(0);
    for (int i = 0; i < 10; i++) y[i] = x[i];
    STUDENT_MARK(1);
    return y;
}
"""


def test_c_on_a_microcontroller_is_reported_by_operator(
    arm_gcc: Places, model: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "student.c").write_text(C_STUDENT)
    (folder / "main.c").write_text(
        "#include <stdint.h>\n#include <stdio.h>\nconst int8_t *student_run(void);\n"
        'int main(void) { student_run(); printf("1 of 1 golden vectors agree\\n"); return 1; }\n'
    )
    profile = read_profile("nucleo-h7a3zi")
    report: CostReport = emulate_c(model, profile, estimate(model, profile), folder, arm_gcc)
    assert report.counts is not None and report.counts.l1d_misses is None
    assert [cost.cycles is not None for cost in report.per_operator] == [True, True]
    assert report.energy_uj is not None and report.latency_ms is not None
    assert report.energy_uj.value == pytest.approx(125 * report.latency_ms.value)
    assert any("golden vectors fail" in warning for warning in report.warnings)
