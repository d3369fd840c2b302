"""A model that names the sign of x, with the contract that edgehar would write into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

WINDOW, RATE_HZ = 20, 10.0


@pytest.fixture
def sign_model(sketch, tmp_path: Path) -> Callable[..., Path]:
    """`sign_model()` writes a `.tflite` file: windows (1, 20, 3) at 10 Hz, `left` where x is below 0."""

    def write(**changed: object) -> Path:
        from ai_edge_litert import schema_py_generated as schema
        from ai_edge_litert.tools import flatbuffer_utils

        weights = np.zeros((2, WINDOW, 3), np.float32)
        weights[0, :, 0], weights[1, :, 0] = -1.0, 1.0
        graph = sketch()
        x = graph.tensor(1, WINDOW, 3)
        y = graph.operator("FULLY_CONNECTED", [x, graph.tensor(2, WINDOW * 3, data=weights), -1], 1, 2)
        path = graph.write(tmp_path / "sign.tflite", [x], [y])
        contract = {
            "window": WINDOW, "rate_hz": RATE_HZ, "labels": ["left", "right"], "framing": "window",
            "unit": "m/s^2", "axis_order": ["x", "y", "z"],
        } | changed  # fmt: skip
        model = flatbuffer_utils.read_model(str(path))
        model.metadata = [schema.MetadataT(name=b"EDGEHAR_CONTRACT", buffer=len(model.buffers))]
        model.buffers.append(schema.BufferT(data=json.dumps(contract).encode()))
        path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        return path

    return write
