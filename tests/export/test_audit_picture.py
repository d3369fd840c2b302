import json

from matplotlib.image import imread

from export.audit_picture import draw_operators


def test_a_panel_a_file_and_the_same_bytes_again(conv_export, tmp_path):
    files = json.loads((conv_export.folder / "operators.json").read_text("utf-8"))["files"]
    draw_operators(files, tmp_path / "one.png")
    assert list(files) == ["student.int8.tflite", "student.int8.onnx"]
    assert (conv_export.folder / "operators.png").read_bytes() == (tmp_path / "one.png").read_bytes()
    tflite = files["student.int8.tflite"]
    draw_operators({"a": tflite}, tmp_path / "one.png")
    draw_operators({"a": tflite, "b": tflite}, tmp_path / "two.png")
    one, two = imread(tmp_path / "one.png"), imread(tmp_path / "two.png")
    assert two.shape[1] > 1.9 * one.shape[1] and two.shape[0] == one.shape[0]


def test_the_culprit_is_orange(conv_export, tmp_path):
    files = json.loads((conv_export.folder / "operators.json").read_text("utf-8"))["files"]
    draw_operators(files, tmp_path / "one.png")
    colours = (imread(tmp_path / "one.png")[..., :3] * 255).round().astype(int).reshape(-1, 3).tolist()
    assert [0xE0, 0x82, 0x14] in colours and [0x21, 0x66, 0xAC] in colours
