"""An `.onnx` in QDQ form as a graph: which tensors are rounded to int8, and what each activation holds.

In that form int8 is written as pairs: QuantizeLinear rounds a tensor, DequantizeLinear makes it float again,
and a runtime may compute in int8 what stands between a DequantizeLinear and a QuantizeLinear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from export.contract import INPUT_NAME

if TYPE_CHECKING:
    import onnx

PAIR = ("QuantizeLinear", "DequantizeLinear")


class OnnxGraph:
    """Who makes and who reads each tensor of a model. operators: the nodes but for those pairs, by index."""

    def __init__(self, model: onnx.ModelProto) -> None:
        import onnx

        known = onnx.shape_inference.infer_shapes(model).graph
        self.inputs = {entry.name for entry in known.input}
        self.constants = {entry.name: entry for entry in known.initializer}
        self.operators = {i: node for i, node in enumerate(known.node) if node.op_type not in PAIR}
        self._makers = {name: node for node in known.node for name in node.output}
        self._rounded = {node.input[0]: node for node in known.node if node.op_type == PAIR[0]}
        values = [*known.value_info, *known.input, *known.output]
        types = {value.name: value.type.tensor_type.elem_type for value in values}
        types |= {name: entry.data_type for name, entry in self.constants.items()}
        self._dtypes = {
            name: onnx.helper.tensor_dtype_to_np_dtype(kind).name for name, kind in types.items() if kind
        }

    def dtype(self, name: str) -> str:
        """As the graph has it: float32 for what a pair makes float again."""
        return self._dtypes.get(name, "float32")

    def before_pair(self, name: str) -> str:
        """What a DequantizeLinear made float again; the name itself of any other tensor."""
        for kind in reversed(PAIR):
            maker = self._makers.get(name)
            if maker is not None and maker.op_type == kind:
                name = maker.input[0]
        return name

    def takes(self, node: onnx.NodeProto) -> list[str]:
        """The activations and constants that an operator takes, as they are before their pair."""
        return [self.before_pair(name) for name in node.input if name]

    def is_int8(self, node: onnx.NodeProto) -> bool:
        """Whether an operator stands between pairs: all activations that it takes and gives are rounded."""
        taken = [name for name in self.takes(node) if name not in self.constants]
        given = [name for name in node.output if name]
        return all(name in self._rounded for name in [*taken, *given])

    def grid(self, name: str) -> tuple[float | None, int | None]:
        """Scale and zero point of an activation's rounded form."""
        from onnx import numpy_helper

        if name not in self._rounded:
            return None, None
        scale, zero = (numpy_helper.to_array(self.constants[end]) for end in self._rounded[name].input[1:])
        return float(scale), int(zero)


class OnnxTensors:
    """All float activations of a model by name (`export.noise.Tensors`); those of a pair after rounding.

    Nothing is merged or left out before it runs, so that each operator gives what its graph says.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        import onnx
        import onnxruntime

        self.graph = OnnxGraph(model)
        opened = onnx.ModelProto()
        opened.CopyFrom(onnx.shape_inference.infer_shapes(model))
        made = {name for node in opened.graph.node for name in node.output}
        opened.graph.output.extend(
            value
            for value in opened.graph.value_info
            if value.name in made and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(opened.SerializeToString(), options)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.names = [INPUT_NAME, *(name for name in self.outputs if self.graph.before_pair(name) == name)]
        self.values: dict[str, np.ndarray] = {}

    def run(self, window: np.ndarray) -> None:
        """Runs one window (T, C)."""
        values: list[Any] = self.session.run(None, {INPUT_NAME: window[None]})
        self.values = {INPUT_NAME: window[None]}
        for name, value in zip(self.outputs, values, strict=True):
            self.values[self.graph.before_pair(name)] = value

    def read(self, name: str) -> np.ndarray:
        """Real values, (elements, channels); channels come second, as in ONNX's convolutions."""
        values = self.values[name].astype(np.float64)
        values = np.moveaxis(values, 1, -1) if values.ndim > 2 else values
        return values.reshape(-1, values.shape[-1] if values.ndim else 1)

    def grid(self, name: str) -> tuple[float | None, int | None]:
        return self.graph.grid(name)
