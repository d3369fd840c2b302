"""Runs the .tflite files of this folder on the golden windows, by LiteRT and numpy alone.

pip install ai-edge-litert numpy, then: python score.py
"""

import json
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

HERE = Path(__file__).resolve().parent
EXACT, ROUNDED = 1e-4, 4 / 256  # what another processor's kernels may compute differently: floats, integers


def scores(path: Path, windows: np.ndarray) -> np.ndarray:
    """Probabilities (N, classes) of raw acceleration (N, T, 3) in m/s^2."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for window in windows:
        values, (scale, zero) = window[None], taken["quantization"]
        if taken["dtype"] != np.float32:
            lowest, highest = np.iinfo(taken["dtype"]).min, np.iinfo(taken["dtype"]).max
            values = np.round(values / np.float32(scale)) + zero
            values = np.clip(values, lowest, highest).astype(taken["dtype"])
        interpreter.set_tensor(taken["index"], values)
        interpreter.invoke()
        stored, (scale, zero) = interpreter.get_tensor(given["index"])[0], given["quantization"]
        found.append(stored if given["dtype"] == np.float32 else (stored.astype(np.float32) - zero) * scale)
    return np.array(found)


failed = False
labels = (HERE / "labels.txt").read_text("utf-8").splitlines()
windows = np.load(HERE / "golden" / "windows.npy")
for name, expected in json.loads((HERE / "golden" / "scores.json").read_text()).items():
    if name.endswith(".tflite"):
        off = np.abs(scores(HERE / name, windows) - expected).max()
        failed |= bool(off > (EXACT if name == "student.tflite" else ROUNDED))
        print(f"{name}: at most {off:.2g} from the scores; window 0: {labels[np.argmax(expected[0])]}")
raise SystemExit(int(failed))
