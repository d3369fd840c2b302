"""From what was raised to one sentence and an exit code. Whose fault it is, is a type.

The three rooms have one exception each for input that they cannot use. Those, a wrong command line,
a full disk and Ctrl-C are told in a sentence; anything else is a bug of ours and looks like one.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator

import typer

UNUSABLE = 2
INTERRUPTED = 130

# Looked up where they are already imported: what was never imported cannot have been raised.
ROOM_ERRORS = (
    ("edgehar.errors", "InputError"),
    ("export.errors", "ExportError"),
    ("firmware_sim.errors", "SimError"),
)

FULL = {
    errno.ENOSPC: "The disk is full while writing {file}: free some space and run the same command again.",
    errno.EDQUOT: "The disk quota is used up while writing {file}: free some space and try again.",
}
CLOSED = {
    errno.EROFS: "{file} is on a disk that cannot be written to: choose another folder.",
    errno.EACCES: "No permission for {file}: change its permissions or choose another folder.",
    errno.EPERM: "No permission for {file}: change its permissions or choose another folder.",
}


def sentence(error: BaseException) -> str | None:
    """What to tell the user of `error`; None if it is a bug, which no sentence should hide."""
    if isinstance(error, _room_errors()):
        return str(error)
    if isinstance(error, typer.TyperException):
        return _usage_sentence(error)
    if isinstance(error, ModuleNotFoundError) and not _is_ours(error.name):
        return f"The package {error.name!r} is not installed. What to type to get it: edgehar doctor"
    return _disk_sentence(error)


def tell(error: BaseException, debug: bool = False) -> int | None:
    """Prints the sentence for `error` on stderr and returns the exit code; for a bug, nothing and None.

    With `debug` the traceback is printed before the sentence.
    """
    if _is_closed_pipe(error):
        return _leave_pipe()
    interrupted = _is_interruption(error)
    text = "Interrupted." if interrupted else sentence(error)
    if text is None:
        return None
    if debug:
        traceback.print_exception(error)
    typer.secho(text, fg="red", err=True)
    return INTERRUPTED if interrupted else UNUSABLE


def _room_errors() -> tuple[type[BaseException], ...]:
    return tuple(getattr(sys.modules[module], name) for module, name in ROOM_ERRORS if module in sys.modules)


def _usage_sentence(error: typer.TyperException) -> str:
    """What is wrong with the command line, and which help shows what is right."""
    ctx = getattr(error, "ctx", None)
    command = ctx.command_path if ctx is not None else "edgehar"
    message = getattr(error, "message", "").rstrip(".") or "Unusable"
    if near := getattr(error, "possibilities", None):
        message += f". Did you mean {sorted(near)[0]}?"
        return f"{command}: {message} All options: {command} --help"
    return f"{command}: {error.format_message().rstrip('.')}. All options: {command} --help"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised from or while handling, nearest first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _disk_sentence(error: BaseException) -> str | None:
    """The sentence for a disk that is full, also where a library hides that, or closed to us."""
    if isinstance(error, OSError) and error.errno in CLOSED and error.filename is not None:
        return CLOSED[error.errno].format(file=_file_of(error))
    for link in _chain(error):
        if isinstance(link, OSError) and link.errno in FULL:
            return FULL[link.errno].format(file=_file_of(link))
        if _says_full(link):
            return FULL[errno.ENOSPC].format(file=_file_of(error))
    return None


def _says_full(error: BaseException) -> bool:
    """Whether a text tells of a full disk: safetensors and numpy's tofile drop the system's number."""
    short_write = isinstance(error, OSError) and "requested and" in str(error)
    return short_write or os.strerror(errno.ENOSPC) in str(error)


def _file_of(error: BaseException) -> str:
    name = getattr(error, "filename", None)
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else "a file"


def _is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("", "edgehar", "export", "firmware_sim")


def _is_interruption(error: BaseException) -> bool:
    """Ctrl-C, also as Lightning's Trainer passes it on: it exits with 1 while handling it."""
    if isinstance(error, SystemExit):
        return any(isinstance(link, KeyboardInterrupt) for link in _chain(error))
    return isinstance(error, KeyboardInterrupt | typer.Abort)


def _is_closed_pipe(error: BaseException) -> bool:
    return any(isinstance(link, BrokenPipeError) for link in _chain(error))


def _leave_pipe() -> int:
    """The reader has gone (`edgehar ls | head -1`): say nothing, and let Python's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
