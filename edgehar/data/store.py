"""Arrays that are too large for memory or too slow to make twice: written row by row, resumable, then mapped.

While it is being made an array is `<name>.npy.part`, beside a list of the chunks that are in it; whoever
comes next, after a kill, goes on from there. Processes that want the same array wait for one another.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import current_process, get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgehar.data.clip import Clip
from edgehar.errors import InputError

CHUNK = 32  # clips
PATIENCE_S = 15.0  # with one process; where more is left to do, all cores take part


@dataclass(frozen=True)
class Chunk:
    """Some clips in a row, and the array's row that the first of them begins."""

    number: int
    first: int  # clip
    row: int
    clips: tuple[Clip, ...]


class Maker(Protocol):
    """What turns clips into rows; it and what it says travel to other processes and through JSON."""

    def rows(self, chunk: Chunk) -> tuple[list[np.ndarray], list[Any]]:
        """All rows of a chunk's clips, and what is to be told of them."""

    def agree(self, said: list[Any]) -> None:
        """Raises InputError where what was told of clips shows that they do not go together."""


def load(path: Path, rows: int) -> np.ndarray | None:
    """A finished array, memory-mapped; None if there is none. A damaged one is as good as none."""
    try:
        values = np.lib.format.open_memmap(path, mode="c")
    except Exception:  # numpy raises half a dozen kinds for a damaged header
        return None
    return values if values.shape[:1] == (rows,) else None


def write_rows(
    path: Path,
    clips: tuple[Clip, ...],
    offsets: np.ndarray,
    maker: Maker,
    progress: Callable[[Iterable[Any], str, int], Iterable[Any]],
    title: str,
    jobs: int | None = None,
) -> list[Any]:
    """Makes `path`, the rows of all clips, and returns what the maker told of them, in order.

    offsets (N + 1,): clip i has the rows from offsets[i] to offsets[i + 1]. jobs: processes; None for one, or
    all cores where that would take long. Raises what the maker raises: InputError, after which nothing is
    kept; after anything else what is done stays for the next attempt.
    """
    if getattr(
        current_process(), "_inheriting", False
    ):  # a script's top level, run again by a process of ours
        raise RuntimeError('put what the script does below: if __name__ == "__main__"')
    part = path.with_name(f"{path.name}.part")
    with _alone(part, path) as waited:
        if waited:
            return []
        writer = _Writer(part, maker, int(offsets[-1]))
        chunks = [
            Chunk(number, first, int(offsets[first]), clips[first : first + CHUNK])
            for number, first in enumerate(range(0, len(clips), CHUNK))
        ]
        try:
            for _ in progress(_clips_done(writer, chunks, jobs), title, len(clips)):
                pass
        except InputError:
            writer.drop()
            raise
        os.replace(part, path)
        writer.marks.unlink(missing_ok=True)
    return [said for number in sorted(writer.said) for said in writer.said[number]]


class _Writer:
    """The unfinished array of one maker, and which chunks are in it. It travels to other processes."""

    def __init__(self, part: Path, maker: Maker, rows: int) -> None:
        self.part, self.maker, self.rows = part, maker, rows
        self.marks = part.with_name(f"{part.name}.done")
        self.shape: tuple[int, ...] | None = None
        self.dtype: np.dtype | None = None
        self.said: dict[int, list[Any]] = {}
        self._resume()

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to write a chunk: not what was told of all others."""
        return vars(self) | {"said": {}}

    def _resume(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            head, *lines = self.marks.read_text("utf-8").splitlines()
            about = json.loads(head)
            if about["rows"] == self.rows:
                self.shape, self.dtype = tuple(about["shape"]), np.dtype(about["dtype"])
                for line in lines:
                    number, said = json.loads(line)  # a line cut short ends the list
                    self.said[number] = said

    def write(self, chunk: Chunk) -> tuple[int, list[Any], bool]:
        """Makes a chunk and writes it; False if its rows have another shape than the first's."""
        made, said = self.maker.rows(chunk)
        if self.shape is None:
            self._begin(made[0])
        if any((row.shape, row.dtype) != (self.shape, self.dtype) for row in made):
            return chunk.number, said, False
        head = self._head()
        place = len(head) + chunk.row * made[0].nbytes
        with self.part.open("r+b") as file:
            file.seek(place)
            for row in made:
                file.write(np.ascontiguousarray(row).data)
            file.flush()
            os.fsync(file.fileno())
        return chunk.number, said, True

    def _begin(self, row: np.ndarray) -> None:
        self.shape, self.dtype = row.shape, row.dtype
        self.part.write_bytes(self._head())
        about = {"rows": self.rows, "shape": self.shape, "dtype": self.dtype.str}
        self.marks.write_text(json.dumps(about) + "\n", "utf-8")

    def _head(self) -> bytes:
        """What an .npy file says of itself before its values."""
        assert self.shape is not None and self.dtype is not None
        text = io.BytesIO()
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.rows, *self.shape)}
        np.lib.format.write_array_header_1_0(text, about)
        return text.getvalue()

    def note(self, number: int, said: list[Any], fits: bool, where: str) -> None:
        """Remembers a chunk that is written. Raises InputError if its rows do not go with the others."""
        self.said[number] = said
        self.maker.agree([each for one in sorted(self.said) for each in self.said[one]])
        if not fits:
            raise InputError(
                f"{where} differs in shape from the clips before it: keep recordings of one kind."
            )
        with self.marks.open("a", encoding="utf-8") as file:
            file.write(json.dumps([number, said]) + "\n")

    def drop(self) -> None:
        self.part.unlink(missing_ok=True)
        self.marks.unlink(missing_ok=True)


def _clips_done(writer: _Writer, chunks: list[Chunk], jobs: int | None) -> Iterator[str]:
    """Writes what is missing, and yields a clip for every clip that is in the array."""
    todo = []
    for chunk in chunks:
        if chunk.number in writer.said:
            yield from (clip.id for clip in chunk.clips)
        else:
            todo.append(chunk)
    while todo:
        began = time.monotonic()
        yield from _noted(writer, todo[0], writer.write(todo[0]))
        del todo[0]
        left_s = (time.monotonic() - began) * len(todo)
        many = (os.cpu_count() or 1) if jobs is None and left_s > PATIENCE_S else jobs or 1
        if many > 1 and len(todo) > 1 and _travels(writer, todo[0]):
            try:
                yield from _by_many(writer, todo, many)
            except BrokenProcessPool:  # a script without `if __name__ == "__main__"`: on alone
                jobs = 1
                todo = [chunk for chunk in todo if chunk.number not in writer.said]
            else:
                return


def _by_many(writer: _Writer, todo: list[Chunk], many: int) -> Iterator[str]:
    with ProcessPoolExecutor(many, get_context("spawn"), _one_thread) as pool:
        waiting: dict[Future[Any], Chunk] = {}
        rest = iter(todo)
        try:
            for chunk in rest:
                waiting[pool.submit(writer.write, chunk)] = chunk
                if len(waiting) >= 2 * many:  # so that few clips are on their way at once
                    yield from _next(writer, waiting)
            while waiting:
                yield from _next(writer, waiting)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _next(writer: _Writer, waiting: dict[Future[Any], Chunk]) -> Iterator[str]:
    future = next(as_completed(waiting))
    yield from _noted(writer, waiting.pop(future), future.result())


def _noted(writer: _Writer, chunk: Chunk, done: tuple[int, list[Any], bool]) -> Iterator[str]:
    writer.note(*done, f"A clip of {chunk.clips[0].id} to {chunk.clips[-1].id}")
    yield from (clip.id for clip in chunk.clips)


def _one_thread() -> None:
    """Each process is one of many: small arrays are made faster on one thread each."""
    os.environ["OMP_NUM_THREADS"] = "1"


def _travels(writer: _Writer, chunk: Chunk) -> bool:
    """Whether both can be sent to another process: readers that are closures cannot."""
    try:
        pickle.dumps((writer, chunk))
    except Exception:  # pickle raises half a dozen kinds
        return False
    return True


@contextmanager
def _alone(part: Path, path: Path) -> Iterator[bool]:
    """Waits while another process makes the same array; yields whether that has now made it."""
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows: two at once do the work twice, and the last one's stays
        yield False
        return
    lock = part.with_name(f"{part.name}.lock")
    began = path.stat().st_ino if path.exists() else None
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        now = path.stat().st_ino if path.exists() else None
        try:
            yield now is not None and now != began
        finally:
            lock.unlink(missing_ok=True)
