"""How much of each tensor survives quantisation: signal-to-noise against the float file, on real windows.

Both files run the same windows with all their tensors kept; tensors are matched by name, which the quantisers
leave. A share of noise is taken channel by channel, so that one loud channel cannot hide
that its quiet neighbours are lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

MOST_DB = 200.0  # equal to the last bit


@dataclass(frozen=True)
class Noise:
    """One tensor. snr_db: 10 log10 of signal over noise power, 200 where there is no noise.

    share: noise power over signal power, at most 1 a channel, mean over the channels that hold a signal.
    low, high: the float tensor's extremes over the windows. scale, zero_point: in the quantised file,
    None where it is float there.
    """

    snr_db: float
    share: float
    low: float
    high: float
    scale: float | None
    zero_point: int | None


class Tensors(Protocol):
    """A model whose activations can be read by name after each window that it ran."""

    @property
    def names(self) -> Collection[str]: ...

    def run(self, window: np.ndarray) -> None: ...

    def read(self, name: str) -> np.ndarray: ...

    def grid(self, name: str) -> tuple[float | None, int | None]: ...


def measure_noise(model: bytes, quantised: bytes, windows: np.ndarray) -> dict[str, Noise]:
    """Noise of every activation that two `.tflite` files have, by tensor name; windows (N, T, C) in m/s^2."""
    return compare_tensors(_TfliteTensors(model), _TfliteTensors(quantised), windows)


def compare_tensors(ours: Tensors, theirs: Tensors, windows: np.ndarray) -> dict[str, Noise]:
    """Noise in `theirs` of every activation that both have, by tensor name; windows (N, T, C) in m/s^2."""
    names = [name for name in ours.names if name in theirs.names]
    sums = {name: _Sums() for name in names}
    for window in windows:
        ours.run(window)
        theirs.run(window)
        for name in names:
            sums[name].add(ours.read(name), theirs.read(name))
    return {name: sums[name].noise(*theirs.grid(name)) for name in names}


class _TfliteTensors:
    """An interpreter that keeps all activations, with LiteRT's own kernels (no XNNPACK)."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.interpreter = Interpreter(
            model_content=model,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.interpreter.allocate_tensors()
        self.entry: dict[str, Any] = self.interpreter.get_input_details()[0]
        made = {index for op in self.interpreter._get_ops_details() for index in op["outputs"]}
        made.add(self.entry["index"])
        details = self.interpreter.get_tensor_details()
        self.details = {tensor["name"]: tensor for tensor in details if tensor["index"] in made}
        self.names = self.details.keys()

    def grid(self, name: str) -> tuple[float | None, int | None]:
        scale, zero_point = self.details[name]["quantization"]
        return (float(scale), int(zero_point)) if scale else (None, None)

    def run(self, window: np.ndarray) -> None:
        scale, zero_point = self.grid(self.entry["name"])
        values = window[None].astype(np.float32)
        if scale is not None:
            limits = np.iinfo(self.entry["dtype"])
            steps = np.round(values / np.float32(scale)) + zero_point
            values = np.clip(steps, limits.min, limits.max).astype(self.entry["dtype"])
        self.interpreter.set_tensor(self.entry["index"], values)
        self.interpreter.invoke()

    def read(self, name: str) -> np.ndarray:
        """Real values, (elements, channels)."""
        tensor = self.details[name]
        values = self.interpreter.get_tensor(tensor["index"]).astype(np.float64)
        scale, zero_point = self.grid(name)
        if scale is not None:
            values = (values - zero_point) * scale
        return values.reshape(-1, values.shape[-1] if values.ndim else 1)


class _Sums:
    """Powers of signal and noise by channel, added up over windows."""

    def __init__(self) -> None:
        self.signal: np.ndarray | float = 0.0
        self.error: np.ndarray | float = 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, wanted: np.ndarray, found: np.ndarray) -> None:
        self.signal = self.signal + np.square(wanted).sum(0)
        self.error = self.error + np.square(found - wanted).sum(0)
        self.low, self.high = min(self.low, wanted.min()), max(self.high, wanted.max())

    def noise(self, scale: float | None, zero_point: int | None) -> Noise:
        signal, error = np.atleast_1d(self.signal), np.atleast_1d(self.error)
        alive = signal > 0
        shares = np.minimum(error[alive] / signal[alive], 1.0)
        return Noise(
            snr_db=decibels(float(signal.sum()), float(error.sum())),
            share=float(shares.mean()) if alive.any() else 0.0,
            low=float(self.low),
            high=float(self.high),
            scale=scale,
            zero_point=zero_point,
        )


def decibels(signal: float, error: float) -> float:
    """10 log10(signal / error), between -200 and 200; 200 where there is no error."""
    if error <= 0:
        return MOST_DB
    return float(np.clip(10 * np.log10(max(signal, 1e-300) / error), -MOST_DB, MOST_DB))
