"""Which operators of a `.tflite` file a target's runtime has, in which dtypes, and which of them it has fast.

TFLM: asked of the interpreter in tflite-micro 0.dev20261023182759 by files of one operator each (its kernels'
names and, operator by operator, the dtypes that it prepares and runs); fast is what CMSIS-NN has
kernels for (tflite-micro, `tensorflow/lite/micro/kernels/cmsis_nn`).
"""

from __future__ import annotations

from collections.abc import Mapping

FLOAT = frozenset({"float32"})
FLOAT_8 = FLOAT | {"int8"}
FLOAT_8_16 = FLOAT_8 | {"int16"}
ANY: frozenset[str] | None = None  # moves bytes, or not asked: no dtype is refused by the table

_TFLM_FLOAT = "CEIL COS EXP FLOOR FLOOR_DIV FLOOR_MOD L2_POOL_2D LOG NEG ROUND SIN SQRT SQUARE"
_TFLM_FLOAT_8 = """CUMSUM DEPTH_TO_SPACE DIV ELU HARD_SWISH L2_NORMALIZATION LOG_SOFTMAX MIRROR_PAD
    REDUCE_MAX REDUCE_MIN RESIZE_BILINEAR SPACE_TO_DEPTH ZEROS_LIKE"""
_TFLM_FLOAT_8_16 = """ABS ADD AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED
    LEAKY_RELU LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PAD PADV2 PRELU RELU RELU6 RSQRT SOFTMAX
    SQUARED_DIFFERENCE SUB SUM TANH TRANSPOSE TRANSPOSE_CONV RESIZE_NEAREST_NEIGHBOR"""
_TFLM_ANY = """ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO
    CALL_ONCE CAST CONCATENATION DEQUANTIZE DYNAMIC_UPDATE_SLICE EMBEDDING_LOOKUP EQUAL EXPAND_DIMS FILL
    GATHER GATHER_ND GREATER GREATER_EQUAL IF LESS LESS_EQUAL LOGICAL_AND LOGICAL_NOT LOGICAL_OR NOT_EQUAL
    PACK QUANTIZE READ_VARIABLE REDUCE_ALL RESHAPE REVERSE_V2 SELECT_V2 SHAPE SLICE SPACE_TO_BATCH_ND
    SPLIT SPLIT_V SQUEEZE STRIDED_SLICE SVDF UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE"""

TFLM: Mapping[str, frozenset[str] | None] = {
    name: dtypes
    for names, dtypes in (
        (_TFLM_FLOAT, FLOAT),
        (_TFLM_FLOAT_8, FLOAT_8),
        (_TFLM_FLOAT_8_16, FLOAT_8_16),
        (_TFLM_ANY, ANY),
    )
    for name in names.split()
}
TFLM_MOST_INPUTS = 10  # of CONCATENATION (kMaxInputNum) and ADD_N
_TFLM_FAST = """ADD BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MAXIMUM MINIMUM MUL PAD PADV2
    AVERAGE_POOL_2D MAX_POOL_2D SOFTMAX SVDF TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM"""
TFLM_FAST = frozenset(_TFLM_FAST.split())
# No arithmetic in them, or one value's worth: not worth a word where a kernel is not a fast one.
_CHEAP = "RESHAPE SQUEEZE EXPAND_DIMS QUANTIZE DEQUANTIZE SHAPE CALL_ONCE VAR_HANDLE"
CHEAP = frozenset(_CHEAP.split())

# What the plain C of `edgehar export --c` has, in int8; `export/c/layers.py` has the code.
_EDGEHAR_C = """CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED ADD SUB MUL PAD PADV2 RESHAPE SQUEEZE EXPAND_DIMS
    AVERAGE_POOL_2D MAX_POOL_2D MEAN SOFTMAX QUANTIZE"""
EDGEHAR_C: Mapping[str, frozenset[str]] = {name: frozenset({"int8"}) for name in _EDGEHAR_C.split()}

# Operator -> what a network is better written with, where one of these tables refuses it or has it slow.
INSTEAD: Mapping[str, str] = {
    "SELECT": "pooling whose kernel divides the window, or a product with a mask",
    "SELECT_V2": "pooling whose kernel divides the window, or a product with a mask",
    "STABLEHLO_SORT": "MAX_POOL_2D or REDUCE_MAX",
    "TOPK_V2": "MAX_POOL_2D or REDUCE_MAX",
    "RELU_0_TO_1": "RELU6, or interpolation to the nearest sample",
    "RELU_N1_TO_1": "RELU6",
    "GELU": "RELU or HARD_SWISH",
    "ELU": "RELU",
    "EXP": "SOFTMAX over the last axis",
    "LOG": "logits without a logarithm",
    "SQRT": "RSQRT, or a variance in place of a standard deviation",
    "SQUARE": "MUL of a tensor with itself",
    "POW": "MUL of a tensor with itself",
    "SIN": "a learned convolution in place of a fixed transform",
    "COS": "a learned convolution in place of a fixed transform",
    "RFFT2D": "a learned convolution in place of a fixed transform",
    "DIV": "MUL by a constant",
    "NEG": "SUB, or weights of the other sign",
    "FLOOR": "int8 arithmetic, which rounds anyway",
    "LOG_SOFTMAX": "SOFTMAX",
    "CONCATENATION": "the last state (h_n) in place of all outputs of a recurrent layer, or ADD",
    "TRANSPOSE": "convolutions written as (1, K) two-dimensional ones, channels last",
    "SUM": "MEAN",
    "REDUCE_PROD": "MUL",
    "TILE": "BROADCAST_TO",
    "BATCH_MATMUL": "FULLY_CONNECTED",
    "LSTM": "UNIDIRECTIONAL_SEQUENCE_LSTM, or dilated CONV_2D",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "dilated CONV_2D",
    "WHILE": "dilated CONV_2D in place of a recurrent layer",
    "LOGISTIC": "RELU6 or HARD_SWISH in place of a gate",
    "TANH": "RELU6",
    "TRANSPOSE_CONV": "RESIZE_NEAREST_NEIGHBOR and CONV_2D",
    "LEAKY_RELU": "RELU",
    "PRELU": "RELU",
    "HARD_SWISH": "RELU",
    "SLICE": "CONV_2D with a stride",
    "STRIDED_SLICE": "CONV_2D with a stride",
    "GATHER": "slices with fixed borders",
    "REDUCE_MAX": "MAX_POOL_2D",
    "CUMSUM": "FULLY_CONNECTED or a dilated CONV_2D",
    "BROADCAST_TO": "MUL or ADD, which broadcast by themselves",
    "RESIZE_BILINEAR": "RESIZE_NEAREST_NEIGHBOR",
    "REVERSE_V2": "one direction in place of a bidirectional layer",
    "RSQRT": "BatchNorm, which is folded, in place of LayerNorm",
    "SQUARED_DIFFERENCE": "BatchNorm, which is folded, in place of LayerNorm",
}
