"""This room stands alone: it estimates where torch, edgehar, tensorflow and every runtime are missing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import firmware_sim

ROOM = Path(firmware_sim.__file__).parent

PROGRAM = """
import sys

class Absent:
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from pathlib import Path
from firmware_sim.estimate import estimate
from firmware_sim.model import read_model
from firmware_sim.profile import read_profile
import firmware_sim.measure, firmware_sim.runtimes
report = estimate(read_model(Path(sys.argv[1])), read_profile("cpu-arm"))
assert report.latency_ms.value > 0
try:
    firmware_sim.runtimes.RUNTIMES[sys.argv[2]](Path(sys.argv[1]), __import__("numpy").zeros((1, 8)))
except firmware_sim.SimError as error:
    print(error)
"""
ABSENT = ("torch", "edgehar", "export", "tensorflow", "ai_edge_litert", "tflite_micro", "onnxruntime", "onnx")


def test_it_estimates_alone_and_says_what_to_install_to_run(sketch, tmp_path: Path) -> None:
    graph = sketch()
    x = graph.tensor(1, 8)
    y = graph.operator("RELU", [x], 1, 8)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    said = {}
    for runtime in ("litert", "litert-ref", "tflm", "onnxruntime"):
        command = [sys.executable, "-c", PROGRAM.format(names=ABSENT), str(path), runtime]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        said[runtime] = ended.stdout
    assert "pip install ai-edge-litert" in said["litert"]
    assert "pip install ai-edge-litert" in said["litert-ref"]
    assert "pip install tflite-micro" in said["tflm"]
    assert "pip install onnxruntime" in said["onnxruntime"]


def test_no_file_names_another_room_or_a_trainer() -> None:
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.partition(".")[0] not in {"torch", "edgehar", "export", "tensorflow"}, path
