"""The folder as its reader uses it: compiled, run, checked; here and on emulated Cortex-M cores."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from export.c import package
from export.c.golden import quantise
from export.c.graph import read_graph, scale_of, zero_point_of
from export.c.of import c_of_file, c_of_run
from export.c.package import load_student, write_c
from export.errors import ExportError
from firmware_sim.emulator.cortex_m import run_cortex_m
from firmware_sim.model import read_model

MLPERF = {
    "ic": "pretrainedResnet_quant.tflite",
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
    "ad": "ad01_int8.tflite",
}
QUICK = ("-O2", "-fno-tree-loop-distribute-patterns")
# Of CMSIS-NN on an M4, instructions per MAC: 2.33 in a convolution, 8.3 to 8.9 in a depthwise one.
MOST = {"CONV_2D": 2.1, "DEPTHWISE_CONV_2D": 9.0}


@pytest.fixture(scope="module")
def student(conv_export) -> Path:
    """The int8 file of a trained student."""
    return conv_export.folder / "student.int8.tflite"


@pytest.fixture(scope="module")
def windows(small_run, tmp_path_factory) -> np.ndarray:
    """Test windows of that student, (N, T, 3) in m/s^2."""
    return small_run(tmp_path_factory.mktemp("run"), None).clips("test", "acc").arrays["acc"]


@pytest.fixture(scope="module")
def written(student, windows, tmp_path_factory) -> Path:
    """Its C, with golden vectors from test windows; tests must not change it."""
    folder = tmp_path_factory.mktemp("c") / "student"
    write_c(student, folder, windows)
    return folder


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_a_student_agrees_on_test_windows_and_extremes(student, windows, tmp_path, agrees):
    assert agrees(student, tmp_path / "c", windows)
    names = (tmp_path / "c" / "golden.h").read_text()
    assert "all lowest" in names and "test window 0" in names and "noise" not in names


@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_tiny_agrees(name, data_set, tmp_path, compiled):
    path = data_set("mlperf_tiny") / "models" / MLPERF[name]
    report = write_c(path, tmp_path / "c")
    program = compiled(tmp_path / "c", *QUICK)
    done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert report.golden >= 2 and f"{report.golden} of {report.golden}" in done.stdout
    assert report.passed and report.macs == read_model(path).macs


def test_a_wrong_weight_is_found_by_the_golden_vectors(written, tmp_path, compiled):
    for name, content in _bytes(written).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    text = (tmp_path / "student.c").read_text()
    where = text.index("_bias[", text.index("FULLY_CONNECTED:"))
    begin = text.index("{", where) + 1
    (tmp_path / "student.c").write_text(f"{text[:begin]} 30000 +{text[begin:]}")
    done = subprocess.run([compiled(tmp_path)], input="", capture_output=True, text=True, check=False)
    assert done.returncode > 0 and "logits differ" in done.stdout


def test_equal_input_gives_equal_bytes(student, windows, written, tmp_path):
    write_c(student, tmp_path / "again", windows)
    assert _bytes(tmp_path / "again") == _bytes(written)


def test_make_check_is_what_a_reader_types(written, tmp_path):
    for name, content in _bytes(written).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(["make", "check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "golden vectors agree" in done.stdout, done.stderr


def test_nothing_of_the_c_library_but_memcpy_is_called(written, tmp_path):
    command = ["cc", "-std=c11", "-O3", "-fno-tree-loop-distribute-patterns", "-ffreestanding", "-c"]
    subprocess.run([*command, str(written / "student.c"), "-o", tmp_path / "student.o"], check=True)
    listed = subprocess.run(["nm", "-u", tmp_path / "student.o"], capture_output=True, text=True, check=True)
    assert {line.split()[-1] for line in listed.stdout.splitlines()} <= {"memcpy", "_GLOBAL_OFFSET_TABLE_"}
    assert "malloc" not in (written / "student.c").read_text()


def test_the_arena_is_tflite_micro_s_plan_or_less(student, windows, tmp_path):
    report = write_c(student, tmp_path / "c", windows)
    assert 0 < report.arena_bytes < report.tflm.measured_bytes


def test_values_are_quantised_as_litert_s_users_do(student, written, tmp_path):
    graph = read_graph(student)
    scale = np.float32(scale_of(graph.input))
    halves = (np.arange(-300, 300, dtype=np.float32) + np.float32(0.5)) * scale
    values = np.concatenate([halves, np.random.default_rng(0).normal(0, 20, 500), [1e9, -1e9]])
    (tmp_path / "q.c").write_text(
        '#include "student.h"\n#include <stdio.h>\nint main(void){float v;'
        'while(scanf("%f",&v)==1)printf("%d\\n",student_quantise(v));return 0;}'
    )
    program = tmp_path / "q"
    subprocess.run(["cc", "-std=c11", f"-I{written}", tmp_path / "q.c", "-o", program], check=True)
    text = "\n".join(f"{np.float32(value):.9g}" for value in values)
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    got = np.array(done.stdout.split(), int)
    assert np.array_equal(got, quantise(graph, values.astype(np.float32)))
    assert zero_point_of(graph.input) == load_student(student).contract.input.zero_point


def test_main_classifies_a_stream_through_its_ring(written, windows, student, compiled):
    from firmware_sim.runtimes import RUNTIMES

    samples = windows[:3].reshape(-1, 3)  # three windows: answers after 1, 1.5, 2, 2.5 and 3 of them
    text = "\n".join(",".join(f"{value:.9g}" for value in sample) for sample in samples)
    done = subprocess.run([compiled(written)], input=text, capture_output=True, text=True, check=True)
    said = [int(line.split()[1].rstrip(",")) for line in done.stdout.splitlines() if line.startswith("class")]
    length = windows.shape[1]
    cuts = np.stack([samples[i : i + length] for i in range(0, 2 * length + 1, length // 2)])
    assert said == RUNTIMES["litert-ref"](student, cuts).argmax(axis=1).tolist()


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m7"])
def test_a_student_agrees_on_a_microcontroller(core, written, arm_gcc):
    ran = run_cortex_m(written, core, arm_gcc)
    assert ran.exit_code == 0 and "golden vectors agree" in ran.output, ran.output


@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_tiny_agrees_on_a_cortex_m4_within_the_instructions_promised(
    name, data_set, tmp_path, arm_gcc
):
    path = data_set("mlperf_tiny") / "models" / MLPERF[name]
    write_c(path, tmp_path / "c")
    ran = run_cortex_m(tmp_path / "c", "cortex-m4", arm_gcc)
    assert ran.exit_code == 0, ran.output
    working = [o for o in read_model(path).operators if o.name != "RESHAPE"]
    assert len(working) == len(ran.inferences[0].layers)
    for kind, most in MOST.items():
        pairs = [
            (counts.total, operator.macs)
            for operator, counts in zip(working, ran.inferences[0].layers, strict=True)
            if operator.name == kind
        ]
        assert sum(count for count, _ in pairs) <= most * sum(macs for _, macs in pairs)


def test_a_float_file_is_refused(conv_export, picture_export, tmp_path):
    with pytest.raises(ExportError, match=r"takes float32.*student\.int8\.tflite"):
        write_c(conv_export.folder / "student.tflite", tmp_path / "c")
    with pytest.raises(ExportError, match=r"float parts.*TFLite-Micro"):
        write_c(picture_export.folder / "student.int8.tflite", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_damaged_or_missing_file_is_refused(student, tmp_path):
    (tmp_path / "cut.tflite").write_bytes(student.read_bytes()[:5000])
    for name in ("cut.tflite", "none.tflite"):
        with pytest.raises(ExportError, match=name):
            write_c(tmp_path / name, tmp_path / "c")


def test_a_folder_with_other_files_is_not_replaced(student, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match="holds other files"):
        write_c(student, tmp_path / "mine")
    with pytest.raises(ExportError, match="no folder"):
        write_c(student, tmp_path / "not" / "there")
    with pytest.raises(ExportError, match="is a file"):
        write_c(student, tmp_path / "mine" / "thesis.txt")


def test_a_failure_leaves_what_was_there(student, tmp_path, monkeypatch):
    write_c(student, tmp_path / "c")
    before = _bytes(tmp_path / "c")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package, "write_tflm", full)
    with pytest.raises(OSError, match="No space"):
        write_c(student, tmp_path / "c")
    assert _bytes(tmp_path / "c") == before and sorted(f.name for f in tmp_path.iterdir()) == ["c"]


def test_a_run_s_c_lies_in_its_export_folder(conv_export, small_run, tmp_path):
    run = small_run(tmp_path, None)
    with pytest.raises(ExportError, match="edgehar export --int8"):
        c_of_run(run)
    (tmp_path / "export").mkdir()
    content = (conv_export.folder / "student.int8.tflite").read_bytes()
    (tmp_path / "export" / "student.int8.tflite").write_bytes(content)
    report = c_of_run(run)
    assert report.folder == tmp_path / "export" / "c" and report.golden == 13
    told = json.loads(json.dumps(report.to_json()))
    assert told["passed"] is True and told["tflm"]["arena_bytes"] > told["tflm"]["measured_bytes"]


def test_a_file_s_c_lies_beside_it(student, tmp_path):
    (tmp_path / "walk.tflite").write_bytes(student.read_bytes())
    assert c_of_file(tmp_path / "walk.tflite").folder == tmp_path / "walk-c"
