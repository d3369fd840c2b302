"""Operators that the converters cannot write, or that no runtime of the file has, and what to use instead.

Found by trying each in a small network (docs/modules.md says how): the names are torch's, or those of the
operators that the converter leaves in a `.tflite`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.errors import ExportError
from firmware_sim.model import read_model

CONVOLUTION = "a convolution with learned or fixed weights"
# What torch calls it, without namespace and variant -> what to use instead.
REPLACEMENTS = {
    "_fft_r2c": f"{CONVOLUTION} in place of the Fourier transform",
    "_fft_c2c": f"{CONVOLUTION} in place of the Fourier transform",
    "_fft_c2r": f"{CONVOLUTION} in place of the Fourier transform",
    "stft": f"{CONVOLUTION} in place of the short-time Fourier transform",
    "view_as_complex": "real and imaginary parts as two channels",
    "view_as_real": "real and imaginary parts as two channels",
    "median": "the mean, or amax and amin",
    "kthvalue": "amax and amin",
    "sort": "max pooling, or amax and amin",
    "topk": "max pooling, or amax and amin",
    "adaptive_max_pool2d": "max_pool1d with a kernel and stride that divide the window",
    "adaptive_max_pool1d": "max_pool1d with a kernel and stride that divide the window",
    "histc": "average pooling of steps made with clamp",
    "bincount": "average pooling of steps made with clamp",
    "linalg_inv_ex": "a linear layer",
    "linalg_eigh": "a linear layer",
    "_linalg_svd": "a linear layer",
    "nonzero": "a product with a mask, so that every shape is known beforehand",
    "masked_select": "a product with a mask, so that every shape is known beforehand",
    "index": "slices with fixed borders, or a product with a mask",
    "grid_sampler_2d": "interpolate with a fixed factor",
    "rand": "nothing random in forward",
    "rand_like": "nothing random in forward",
    "randn": "nothing random in forward",
    "randn_like": "nothing random in forward",
    "bernoulli": "nn.Dropout, which is gone in eval mode",
    "max_pool2d_with_indices": "max_pool1d without dilation and without indices",
    "col2im": "ConvTranspose1d",
    "_lstm": "nn.LSTM with batch_first=True",
}
# What the converter leaves in a .tflite file and no runtime runs -> what to use instead.
LEFT_OVER = {
    "STABLEHLO_SORT": f"{REPLACEMENTS['sort']} in place of sort, topk and argsort",
    "STABLEHLO_SCATTER": "torch.cat or a product with a mask in place of assignment into a slice",
    "STABLEHLO_GATHER": "slices with fixed borders in place of indexing by a tensor",
    "STABLEHLO_RNG_BIT_GENERATOR": "nothing random in forward",
    "STABLEHLO_REDUCE_WINDOW": "max_pool1d or avg_pool1d without dilation",
}
# Where the converters name the operator that they stop at, the surest first.
_CALLED = (
    r"No ONNX function found for <OpOverload\(op='aten\.(\w+)",
    r"Lowering not found: aten\.(\w+)",
    r"While executing .*torch\.ops\.aten\.(\w+)",
    r"torch\.ops\.aten\.(\w+)",
)
_DECIDES = ("GuardOnDataDependentSymNode", "DataDependentOutputException", "data-dependent expression")


@contextmanager
def refused(format: str) -> Iterator[None]:
    """Turns what a converter raises in the block into the sentence that names the operator.

    Networks may be other people's, and the converters raise whatever they like; `--debug` shows it whole.
    """
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise refusal(error, format) from error


def refusal(error: BaseException, format: str) -> ExportError:
    """The sentence for a network that a converter could not write: the operator, and what to use instead."""
    text = "\n".join(_all_said(error))
    if any(word in text for word in _DECIDES):
        return ExportError(
            f"The network cannot become .{format}: its forward decides by the values in a tensor (an if, a "
            "loop, or a shape that depends on them); use torch.where or a product with a mask."
        )
    if (name := _operator(text)) is not None:
        return ExportError(f"The network cannot become .{format}: it uses {name}; {_instead(name)}.")
    first = " ".join(str(error).split())[:200]
    return ExportError(
        f"The network cannot become .{format} ({type(error).__name__}: {first}); write it with the layers of "
        "docs/modules.md."
    )


def refuse_left_over(content: bytes) -> None:
    """Raises ExportError if a `.tflite` holds operators that no runtime of phones or microcontrollers has."""
    for name in _operators_of(content):
        if name.startswith(("STABLEHLO_", "CUSTOM:", "BUILTIN_")):
            instead = LEFT_OVER.get(name, "layers of docs/modules.md")
            raise ExportError(
                f"The network cannot become .tflite: it needs {name}, which LiteRT has not; use {instead}."
            )


def _operators_of(content: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        return sorted({operator.name for operator in read_model(path).operators})


def _operator(text: str) -> str | None:
    found = (re.search(pattern, text) for pattern in _CALLED)
    return next((match[1] for match in found if match), None)


def _instead(name: str) -> str:
    bare = name.rstrip("_")
    instead = REPLACEMENTS.get(name, REPLACEMENTS.get(bare))
    return f"use {instead}" if instead else "use layers of docs/modules.md instead"


def _all_said(error: BaseException | None) -> list[str]:
    said = []
    while error is not None:
        said.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return said
