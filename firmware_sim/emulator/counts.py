"""What the plugin counted, between its markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.errors import SimError

# In the order of armcount.c's `enum instruction_class`.
CLASSES = (
    "alu", "branch", "load", "store", "vector_load", "vector_store", "multiply", "vector_mac", "dot_product",
    "float_mac", "vector_other", "divide", "system", "prefetch",
)  # fmt: skip
MISSES = ("l1i_misses", "l1d_accesses", "l1d_misses", "l2_misses")


@dataclass(frozen=True)
class InstructionCounts:
    """Instructions executed, by class, and accesses and misses of the modelled caches.

    On a Cortex-M `dot_product` are the DSP extension's dual MACs and `vector_other` is floating point.
    Misses are 0 where no caches were modelled.
    """

    total: int
    by_class: Mapping[str, int]
    l1i_misses: int = 0
    l1d_accesses: int = 0
    l1d_misses: int = 0
    l2_misses: int = 0

    def __sub__(self, earlier: InstructionCounts) -> InstructionCounts:
        """What was executed since `earlier`."""
        classes = {name: self.by_class[name] - earlier.by_class[name] for name in CLASSES}
        misses = {name: getattr(self, name) - getattr(earlier, name) for name in MISSES}
        return InstructionCounts(self.total - earlier.total, classes, **misses)

    def divided(self, by: int) -> InstructionCounts:
        """The same work once, where it was done `by` times; rounded to whole numbers, never below 0."""
        classes = {name: round(count / by) for name, count in self.by_class.items()}
        misses = {name: max(0, round(getattr(self, name) / by)) for name in MISSES}
        return InstructionCounts(round(self.total / by), classes, **misses)


def read_markers(path: Path) -> list[tuple[int, InstructionCounts]]:
    """Every marker that the guest passed, in order, with the sums since its start; -1 is its end.

    Raises SimError where the plugin wrote nothing, which is what a QEMU without plugins does.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise SimError(f"{path}: the emulator counted nothing ({error.strerror}); set it up again.") from None
    markers = []
    for line in lines:
        number, total, *numbers = (int(word) for word in line.split()[1:])
        by_class = dict(zip(CLASSES, numbers, strict=False))
        misses = dict(zip(MISSES, numbers[len(CLASSES) :], strict=True))
        markers.append((number, InstructionCounts(total, by_class, **misses)))
    return markers
