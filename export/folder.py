"""A folder that changes as a whole: readers see the old one or the new one, never a mixture.

Where the system can exchange two names in one step (Linux, macOS) it does; elsewhere the old folder is set
aside for a moment, and `restore` puts it back if the program was killed just then.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # Linux renameat2; macOS calls the same number RENAME_SWAP


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Yields an empty folder beside `target`, which takes its place when the block ends well.

    If the block raises (a full disk, an interruption), `target` is as it was and the new folder is gone.
    What killed programs left beside it is removed first.
    """
    restore(target)
    new = target.with_name(_neighbour(target, "new"))
    new.mkdir()
    try:
        yield new
        _put(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def restore(target: Path) -> None:
    """Undoes what a killed `replaced_folder` left: unfinished folders go, a folder set aside comes back."""
    for kind in ("old", "new"):
        for left in target.parent.glob(f".{target.name}.*.{kind}"):
            process = left.name.split(".")[-2]
            if not process.isdigit() or _runs(int(process)):
                continue
            if kind == "old" and not target.exists():
                left.rename(target)
            else:
                shutil.rmtree(left)


def _neighbour(target: Path, kind: str) -> str:
    return f".{target.name}.{os.getpid()}.{kind}"


def _runs(process: int) -> bool:
    """Whether a process of that number, other than this one, is alive."""
    if process == os.getpid() or sys.platform == "win32":  # where os.kill would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _put(new: Path, target: Path) -> None:
    """Gives `new` the name `target`. The old folder, if any, is then named `new` or gone."""
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        aside = target.with_name(_neighbour(target, "old"))
        target.rename(aside)
        try:
            new.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        shutil.rmtree(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two names in one step of the file system. False where that is not to be had."""
    library = ctypes.CDLL(None)
    ends = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        return library.renameat2(_AT_FDCWD, ends[0], _AT_FDCWD, ends[1], _RENAME_EXCHANGE) == 0
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return library.renamex_np(ends[0], ends[1], _RENAME_EXCHANGE) == 0
    return False
