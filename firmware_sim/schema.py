"""The bytes of a `.tflite` file, read through the flatbuffer classes of the `tflite` package.

That package is the published schema compiled for Python and nothing else: it needs neither tensorflow
nor LiteRT (whose own schema module loads its native library). Python's flatbuffers has no verifier, so
`Reader` keeps one: every vector is checked against the file's end, and all vectors together may not be
read more often than the file is long times `SHARING`, so that no file can make us loop for ever.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from tflite.BuiltinOperator import BuiltinOperator
from tflite.Model import Model as FlatModel

from firmware_sim.errors import SimError

SHARING = 16  # writers may share vectors; nobody shares each one sixteen times
IDENTIFIER = b"TFL3"
_BUILTIN_CODE_SLOT = 10

# TensorType by number, with bits per element. The schema of LiteRT 2.3 has more than the package's 2.18.
DTYPES: dict[int, tuple[str, int | None]] = {
    0: ("float32", 32), 1: ("float16", 16), 2: ("int32", 32), 3: ("uint8", 8), 4: ("int64", 64),
    5: ("string", None), 6: ("bool", 8), 7: ("int16", 16), 8: ("complex64", 64), 9: ("int8", 8),
    10: ("float64", 64), 11: ("complex128", 128), 12: ("uint64", 64), 13: ("resource", None),
    14: ("variant", None), 15: ("uint32", 32), 16: ("uint16", 16), 17: ("int4", 4), 18: ("bfloat16", 16),
    19: ("int2", 2), 20: ("uint4", 4), 21: ("float8_e4m3fn", 8), 22: ("float8_e5m2", 8),
}  # fmt: skip

CUSTOM = 32
OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(BuiltinOperator).items() if isinstance(code, int)
} | {209: "STABLEHLO_CASE"}


@contextmanager
def damage_is_an_error(path: object) -> Iterator[None]:
    """Turn what Python's flatbuffers raises on damaged bytes into a SimError that names the file."""
    try:
        yield
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise SimError(f"{path}: the file is cut short or damaged; copy or export it again.") from error


class Reader:
    """Checked access to the vectors of one file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.unread = SHARING * len(data)
        self.root = FlatModel.GetRootAs(data, 0)

    def spend(self, length: int) -> None:
        """Count `length` bytes as read. ValueError where a file claims more than it can hold."""
        self.unread -= length
        if length < 0 or length > len(self.data) or self.unread < 0:
            raise ValueError("a vector is longer than the file")

    def tables(self, owner: Any, name: str) -> list[Any]:
        """All tables of the vector `owner.<name>`."""
        length = getattr(owner, f"{name}Length")()
        self.spend(4 * length)
        item = getattr(owner, name)
        return [item(i) for i in range(length)]

    def numbers(self, owner: Any, name: str) -> list[Any]:
        """All numbers of the vector `owner.<name>`, as Python numbers; empty where there is none."""
        values = getattr(owner, f"{name}AsNumpy")()
        if isinstance(values, int):  # flatbuffers' way to say that the vector is absent
            return []
        self.spend(values.nbytes)
        return list(np.asarray(values).tolist())

    def is_behind(self, buffer: Any) -> bool:
        """Whether a constant's data lie behind the flatbuffer, as writers of large files put them."""
        return buffer.Offset() > 1  # 0 and 1 mean: inside the flatbuffer

    def buffer_data(self, buffer: Any) -> np.ndarray | None:
        """A constant's bytes, shape (bytes,) uint8; None for an empty one, and once too much was read."""
        length = self.buffer_bytes(buffer)
        if length > self.unread:
            return None
        self.unread -= length
        if self.is_behind(buffer):
            return np.frombuffer(self.data, np.uint8, length, buffer.Offset())
        return np.ascontiguousarray(buffer.DataAsNumpy()) if length else None

    def buffer_bytes(self, buffer: Any) -> int:
        """Length of a constant's data, which must lie inside the file, behind the flatbuffer or in it."""
        if self.is_behind(buffer):
            if buffer.Offset() + buffer.Size() > len(self.data):
                raise ValueError("data behind the end of the file")
            return int(buffer.Size())
        values = buffer.DataAsNumpy()
        return 0 if isinstance(values, int) else int(values.nbytes)


def text(raw: bytes | None) -> str:
    """A name of the file as text; damaged characters are shown, not refused."""
    return (raw or b"").decode("utf-8", "replace")


def _builtin_code(code: Any) -> int:
    """The int32 as it stands in the file: the package's own reader gives the byte for every code below 127,
    and writers such as ai-edge-quantizer leave that byte at 0, which is ADD."""
    place = code._tab.Offset(_BUILTIN_CODE_SLOT)
    return code._tab.Get(flatbuffers.number_types.Int32Flags, place + code._tab.Pos) if place else 0


def operator_name(code: Any) -> str:
    """Name of an operator code: `CONV_2D`, `CUSTOM:<its name>`, or `BUILTIN_<number>` if newer than we know.

    Files written before schema 3a keep the code in a byte, later ones in an int32; the larger one holds.
    """
    number = max(_builtin_code(code), code.DeprecatedBuiltinCode())
    if number == CUSTOM:
        return f"CUSTOM:{text(code.CustomCode())}"
    return OPERATOR_NAMES.get(number, f"BUILTIN_{number}")
