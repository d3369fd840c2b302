"""Which run a file belongs to; its figures are tested through the door (tests/edgehar/cli/test_eval.py)."""

import pytest

from export.errors import ExportError
from export.judge import evaluate_file, run_of


def test_a_file_belongs_to_the_run_in_whose_export_folder_it_lies(tmp_path, monkeypatch):
    run = tmp_path / "runs" / "a"
    (run / "export").mkdir(parents=True)
    (run / "config.json").write_text("{}")
    assert run_of(run / "export" / "student.tflite").folder == run
    monkeypatch.chdir(tmp_path)
    assert str(run_of((run / "export" / "student.tflite").relative_to(tmp_path)).folder) == "runs/a"
    monkeypatch.chdir(run / "export")
    assert run_of((run / "export" / "student.tflite").relative_to(run / "export")).folder == run


@pytest.mark.parametrize("place", ["export/student.tflite", "elsewhere/student.tflite", "student.tflite"])
def test_a_file_without_a_run_beside_it_belongs_to_none(tmp_path, place):
    assert run_of(tmp_path / place) is None


def test_a_file_without_a_contract_is_refused(tmp_path):
    from onnx import TensorProto, helper, save

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    save(helper.make_model(graph), tmp_path / "foreign.onnx")
    with pytest.raises(ExportError, match="has no edgehar contract"):
        evaluate_file(tmp_path / "foreign.onnx")
