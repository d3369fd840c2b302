"""What each target says of small files, and of the same files what its own runtime does."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from firmware_sim.errors import SimError
from firmware_sim.lint import TARGETS, lint

needs_vela = pytest.mark.skipif(find_spec("ethosu") is None, reason="vela is not installed: ethos-u-vela")


@pytest.fixture
def file_of(sketch, tmp_path: Path):
    """`file_of("int8", "RELU", "SQRT")` is a file of those operators, one after the other, on (1, 8)."""

    def make(dtype: str, *names: str) -> Path:
        graph = sketch(dtype)
        first = last = graph.tensor(1, 8)
        for name in names:
            last = graph.operator(name, [last], 1, 8)
        return graph.write(tmp_path / f"{dtype}-{'-'.join(names)}.tflite", [first], [last])

    return make


def found(path: Path, target: str) -> dict[str, tuple[str, str | None]]:
    report = lint(path, [target])
    return {each.operator: (each.verdict, each.instead) for each in report.targets[target].findings}


def test_an_operator_that_tflm_has_not_is_refused_with_what_to_use(file_of) -> None:
    path = file_of("float32", "RELU", "GELU")
    assert found(path, "tflm")["GELU"] == ("refused", "RELU or HARD_SWISH")
    assert lint(path, ["tflm"]).refused == ("tflm",)


def test_a_dtype_that_its_kernel_has_not_is_refused(file_of) -> None:
    said = lint(file_of("int8", "RELU", "SQRT"), ["tflm"]).targets["tflm"]
    (refused,) = [each for each in said.findings if each.verdict == "refused"]
    assert (refused.operator, refused.dtype, refused.places) == ("SQRT", "int8", (1,))
    assert refused.why == "its kernel takes float32, not int8"


def test_what_runs_in_plain_c_is_slow_and_not_refused(file_of) -> None:
    report = lint(file_of("int8", "TANH"), ["tflm"])
    assert not report.refused
    (slow,) = report.targets["tflm"].findings
    assert (slow.operator, slow.verdict) == ("TANH", "slow")
    assert "ran it once" in report.targets["tflm"].how  # the interpreter itself was asked


def test_more_inputs_than_tflm_takes_are_refused(sketch, tmp_path: Path) -> None:
    graph = sketch("int8")
    x = graph.tensor(1, 8)
    y = graph.operator("CONCATENATION", [x] * 11, 1, 88)
    path = graph.write(tmp_path / "many.tflite", [x], [y])
    assert found(path, "tflm")["CONCATENATION"][0] == "refused"


def test_edgehar_c_takes_its_table_in_int8_only(file_of) -> None:
    assert found(file_of("int8", "RESHAPE"), "edgehar-c") == {}
    assert found(file_of("float32", "RESHAPE"), "edgehar-c")["RESHAPE"][0] == "refused"
    assert found(file_of("int8", "TANH"), "edgehar-c")["TANH"] == ("refused", "RELU6")


def test_xnnpack_is_asked_through_litert(file_of) -> None:
    assert found(file_of("float32", "TANH", "ABS"), "litert-xnnpack") == {}
    assert found(file_of("float32", "TANH", "ZEROS_LIKE"), "litert-xnnpack")["ZEROS_LIKE"][0] == "slow"
    refused = lint(file_of("float32", "STABLEHLO_SORT"), ["litert-xnnpack"])
    assert refused.refused == ("litert-xnnpack",)


@needs_vela
def test_vela_is_asked_for_ethos_u(file_of) -> None:
    said = lint(file_of("int8", "RELU", "TANH"), ["ethos-u"]).targets["ethos-u"]
    assert said.findings == () and "0 on the Cortex-M" in said.notes[0]
    left = found(file_of("int8", "RELU", "SIN"), "ethos-u")
    assert left["SIN"][0] == "refused"  # the Cortex-M beside it has no int8 sine either
    assert found(file_of("float32", "RELU"), "ethos-u")["RELU"] == ("slow", "int8 (edgehar export --int8)")


def test_without_vela_the_sentence_says_what_to_type(file_of, monkeypatch) -> None:
    monkeypatch.setattr("firmware_sim.lint_targets.ethos_u.find_spec", lambda name: None)
    with pytest.raises(SimError, match="pip install ethos-u-vela"):
        lint(file_of("int8", "RELU"), ["ethos-u"])


@pytest.mark.parametrize(
    ("name", "targets", "said"),
    [
        ("model.onnx", ["tflm"], r"\.tflite files only"),
        ("gone.tflite", ["tflm"], "no such file"),
        ("damaged.tflite", ["tflm"], "cut short or damaged"),
        ("any.tflite", ["tlfm"], "no target called 'tlfm'"),
        ("any.tflite", [], "No target was named"),
    ],
)
def test_what_cannot_be_linted_is_told_in_a_sentence(name, targets, said, tmp_path: Path) -> None:
    (tmp_path / "damaged.tflite").write_bytes(b"\x10\0\0\0TFL3" + bytes(8))
    with pytest.raises(SimError, match=said):
        lint(tmp_path / name, targets)


def test_its_json_is_plain(file_of) -> None:
    told = json.loads(json.dumps(lint(file_of("int8", "SQRT", "SQRT"), ["tflm", "edgehar-c"]).to_json()))
    assert told["schema"] == 1 and told["refused"] == ["tflm", "edgehar-c"]
    (finding,) = told["targets"]["tflm"]["findings"]
    assert finding["places"] == [0, 1] and finding["verdict"] == "refused"
    assert set(TARGETS) >= set(told["targets"])
