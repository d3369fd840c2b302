"""The kinds of model files that a student can become, and what a user may choose among them.

A kind is a suffix before the format's: `int8` is `student.int8.tflite`. All but `float` are quantised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from export.errors import ExportError

FORMATS = ("tflite", "onnx")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


@dataclass(frozen=True)
class Kind:
    """activations: their dtype inside the file. weights: their dtype. float_io: float32 in and out.

    calibrated: activations have fixed ranges, measured on training windows. formats: it exists in these.
    """

    weights: str
    activations: str
    float_io: bool
    calibrated: bool
    formats: tuple[str, ...] = ("tflite",)
    told: str = ""


KINDS: dict[str, Kind] = {
    "float": Kind("float32", "float32", True, False, FORMATS, "as trained"),
    "int8": Kind("int8", "int8", False, True, FORMATS, "int8 throughout; .onnx takes and gives float"),
    "int8-float-io": Kind("int8", "int8", True, True, told="int8 inside, float in and out"),
    "int16x8": Kind("int8", "int16", False, True, told="int16 activations, int8 weights"),
    "fp16": Kind("float16", "float32", True, False, told="weights stored in 16 bits, computed in float"),
    "dynamic": Kind("int8", "float32", True, False, told="int8 weights; activations quantised as they come"),
}


INT8 = ("int8", "int8-float-io")  # what --qat and --auto work on


@dataclass(frozen=True)
class Choices:
    """What to write. formats: of FORMATS. kinds: of KINDS beside `float`, which is always written.

    qat: fine-tune with fake quantisation before int8. auto: take operators out of quantisation, worst
    first, until held-back training windows lose no more than half a point. keep_float: operators that
    stay float: names, modules or types as the operator report has them. version: of the model, as its
    author counts; it goes into the files' metadata, None leaves it as the contract has it.
    Raises ExportError for what does not exist, or does not go together.
    """

    formats: tuple[str, ...] = FORMATS
    kinds: tuple[str, ...] = ()
    qat: bool = False
    auto: bool = False
    keep_float: tuple[str, ...] = field(default_factory=tuple)
    version: str | None = None

    def __post_init__(self) -> None:
        _check_names("format", self.formats, FORMATS)
        _check_names("kind", self.kinds, KINDS)
        if self.version is not None and not _VERSION.fullmatch(self.version):
            raise ExportError(
                f"--model-version {self.version!r} is no version; write one such as 1.4.0: letters, digits, "
                "points, plus and minus signs, at most 64."
            )
        if not self.formats:
            raise ExportError(f"No format was chosen; choose of: {', '.join(FORMATS)}.")
        for kind in self.kinds:
            if not set(KINDS[kind].formats) & set(self.formats):
                raise ExportError(f"{kind} is a kind of .tflite file only; add tflite to --format.")
        if self.keep_float and not any(KINDS[kind].calibrated for kind in self.kinds):
            raise ExportError("--keep-float is about files in int8: add --int8.")
        if (self.qat or self.auto) and not set(INT8) & set(self.kinds):
            option = "--qat" if self.qat else "--auto"
            raise ExportError(f"{option} is about files in int8: add --int8.")
        if (self.qat or self.auto) and "tflite" not in self.formats:
            option = "--qat" if self.qat else "--auto"
            raise ExportError(f"{option} judges the .tflite file; add tflite to --format.")

    def of(self, format: str) -> tuple[str, ...]:
        """The kinds to write in a format, `float` first, in the order of KINDS; none if not chosen."""
        if format not in self.formats:
            return ()
        chosen = {"float", *self.kinds}
        return tuple(name for name, kind in KINDS.items() if name in chosen and format in kind.formats)


def _check_names(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, list(known), 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ExportError(f"There is no {what} called {name!r}; choose of: {', '.join(known)}.{hint}")


def file_name(kind: str, format: str) -> str:
    """`student.int8.tflite` for ("int8", "tflite"); `student.onnx` for ("float", "onnx")."""
    return f"student.{format}" if kind == "float" else f"student.{kind}.{format}"
