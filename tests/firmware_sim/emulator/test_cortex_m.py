"""C on an emulated Cortex-M: it runs, is counted by layer, and says what went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_sim.emulator.cortex_m import BOARDS, compile_cortex_m, run_cortex_m
from firmware_sim.emulator.places import Places
from firmware_sim.errors import SimError

MAIN = """
#include <stdio.h>
#include <stdint.h>
const int8_t *student_run(void);
int main(void) {
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        const int8_t *out = student_run();
        for (int k = 0; k < 64; k++) sum += out[k];
    }
    printf("sum %d\\n", sum);
    return 7;
}
"""
STUDENT = """
#include <stdint.h>
static int8_t a[64];
static volatile int n = 64;
const int8_t *student_run(void) {
    for (int i = 0; i < n; i++) a[i] = (int8_t)i;
    STUDENT_MARK(0);
    for (int k = 0; k < 10; k++) for (int i = 0; i < n; i++) a[i] = (int8_t)(a[i] * 3);
    STUDENT_MARK(1);
    return a;
}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "student.c").write_text(STUDENT)
    return tmp_path


def expected_sum() -> int:
    values = [(i * 3**10) % 256 for i in range(64)]
    return 2 * sum(v - 256 if v > 127 else v for v in values)


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"])
def test_it_computes_what_c_says_and_every_layer_is_counted(
    core: str, arm_gcc: Places, sources: Path
) -> None:
    run = run_cortex_m(sources, core, arm_gcc)
    assert (run.exit_code, run.output.strip()) == (7, f"sum {expected_sum()}")
    first, second = run.inferences
    assert first == second  # to the unit
    assert len(first.layers) == 2
    assert first.layers[1].total > 5 * first.layers[0].total > 5 * 64
    assert 0 <= first.counts.total - sum(layer.total for layer in first.layers) < 10
    assert run.counts == run_cortex_m(sources, core, arm_gcc).counts
    assert run.ram_bytes >= 64 and run.text_bytes > 1000


def test_a_compiled_file_is_run_as_it_is(arm_gcc: Places, sources: Path, tmp_path: Path) -> None:
    program = compile_cortex_m(sources, "cortex-m4", tmp_path / "x.elf", arm_gcc)
    assert (
        run_cortex_m(program, "cortex-m4", arm_gcc).counts
        == run_cortex_m(sources, "cortex-m4", arm_gcc).counts
    )


def test_a_marker_costs_a_no_op_and_perhaps_one_that_aligns_it(arm_gcc: Places, sources: Path) -> None:
    marked = run_cortex_m(sources, "cortex-m4", arm_gcc).counts
    text = (sources / "student.c").read_text()
    (sources / "student.c").write_text(
        text.replace("    STUDENT_MARK(0);\n", '    __asm volatile("" ::: "memory");\n')
    )
    assert marked.total - run_cortex_m(sources, "cortex-m4", arm_gcc).counts.total in (1, 2)


def test_what_cannot_be_run_is_one_sentence(arm_gcc: Places, sources: Path, tmp_path: Path) -> None:
    with pytest.raises(SimError, match="cortex-m85 is not emulated; these are: cortex-m3"):
        run_cortex_m(sources, "cortex-m85", arm_gcc)
    (sources / "student.c").write_text("int broken(\n")
    with pytest.raises(SimError, match="cannot be compiled for cortex-m4"):
        run_cortex_m(sources, "cortex-m4", arm_gcc)
    (sources / "student.c").unlink()
    (sources / "main.c").write_text("int main(void) { return 0; }")
    with pytest.raises(SimError, match="never called student_run"):
        run_cortex_m(sources, "cortex-m4", arm_gcc)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SimError, match=r"holds no C files\. Type: edgehar export --c"):
        run_cortex_m(tmp_path / "empty", "cortex-m4", arm_gcc)


def test_a_fault_is_told_from_a_result(arm_gcc: Places, sources: Path) -> None:
    (sources / "student.c").write_text(STUDENT.replace("return a;", '__asm volatile("udf #0"); return a;'))
    with pytest.raises(SimError, match="the emulated core faulted"):
        run_cortex_m(sources, "cortex-m4", arm_gcc)


def test_the_cores_of_m4_and_m4f_are_one() -> None:
    assert BOARDS["cortex-m4"] is BOARDS["cortex-m4f"]
