from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np

from firmware_sim.model import read_model


def test_an_operators_code_counts_where_the_old_byte_was_left_out(sketch, tmp_path: Path) -> None:
    """ai-edge-quantizer writes QUANTIZE as 114 in the new field and 0, which is ADD, in the old one."""
    from ai_edge_litert import schema_py_generated as schema

    graph = sketch()
    x = graph.tensor(1, 4)
    w = graph.tensor(3, 4, data=np.ones((3, 4), np.float32))
    y = graph.operator("FULLY_CONNECTED", [x, w, -1], 1, 3)
    path = graph.write(tmp_path / "m.tflite", [x], [y])
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    model.operatorCodes[0].deprecatedBuiltinCode = 0
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    assert [operator.name for operator in read_model(path).operators] == ["FULLY_CONNECTED"]
