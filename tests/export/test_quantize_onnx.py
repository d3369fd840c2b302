from export.quantize_onnx import float_nodes, quantize_onnx
from export.quiet import quiet


def test_int8_onnx_does_not_depend_on_the_order_of_the_windows(conv_onnx, train_windows):
    with quiet():
        forwards = quantize_onnx(conv_onnx, train_windows, float_nodes(conv_onnx))
        backwards = quantize_onnx(conv_onnx, train_windows[::-1].copy(), float_nodes(conv_onnx))
    assert forwards.SerializeToString(deterministic=True) == backwards.SerializeToString(deterministic=True)


def test_int8_onnx_weights_are_int8_by_channel(conv_onnx, train_windows):
    import onnx

    with quiet():
        model = quantize_onnx(conv_onnx, train_windows, float_nodes(conv_onnx))
    initializers = {entry.name: entry for entry in model.graph.initializer}
    quantized = [name for name in initializers if name.endswith("weight_quantized")]
    assert len(quantized) == 7  # six convolutions and fc
    for name in quantized:
        assert initializers[name].data_type == onnx.TensorProto.INT8
        scale = initializers[name.replace("_quantized", "_scale")]
        assert list(scale.dims) == [initializers[name].dims[0]]


def test_onnx_keeps_the_picture_and_the_softmax_float(picture_onnx):
    kept = float_nodes(picture_onnx, ("gaf",))
    kinds = {node.name: node.op_type for node in picture_onnx.model.graph.node}
    assert {"Sqrt", "Softmax", "Div"} <= {kinds[name] for name in kept}
    assert not {"Conv", "Gemm"} & {kinds[name] for name in kept}
    inside = {name for name, scopes in picture_onnx.scopes.items() if "gaf" in scopes}
    assert inside <= set(kept)


def test_a_kept_module_stays_float_alone(conv_onnx):
    kinds = {node.name: node.op_type for node in conv_onnx.model.graph.node}
    kept = float_nodes(conv_onnx, (), {"fc": "taken out"})
    assert {kinds[name]: why for name, why in kept.items()} == {
        "Gemm": "taken out",
        "Softmax": "the file gives float",
    }
