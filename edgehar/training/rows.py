"""Some rows of an array that stays where it is: on disk."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGE = 256 * 2**20  # bytes: what is smaller is copied into memory, where it is read faster


class Rows:
    """The rows `chosen` (n,) of `base`, in that order; indexing reads what is asked for, and no more."""

    def __init__(self, base: np.ndarray, chosen: np.ndarray) -> None:
        self.base, self.chosen = base, chosen
        self.shape, self.dtype = (len(chosen), *base.shape[1:]), base.dtype

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The rows at indices (k,), of a slice, or where a mask (n,) is true, as an array of their own."""
        return np.array(self.base[self.chosen[rows]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.base[self.chosen], dtype)

    def __reduce__(self) -> Any:
        """To another process goes the file's name, not what is in it."""
        if isinstance(self.base, np.memmap) and self.base.filename is not None:
            return _reopened, (str(self.base.filename), self.chosen)
        return Rows, (self.base, self.chosen)


def _reopened(path: str, chosen: np.ndarray) -> Rows:
    return Rows(np.lib.format.open_memmap(path, mode="c"), chosen)


def select(values: Any, keep: np.ndarray | slice, large: int = LARGE) -> Any:
    """The rows of values (N, ...) where keep (N,) is true, or those of a slice: copied, or where the array is
    mapped from disk and they are more than `large` bytes, looked up when they are asked for."""
    chosen = np.arange(len(values))[keep]
    if isinstance(values, Rows):
        return Rows(values.base, values.chosen[chosen])
    if isinstance(values, np.memmap) and len(chosen) * values[:1].nbytes > large:
        return Rows(values, chosen)
    return values[keep]
