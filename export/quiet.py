"""Keeps the converters' chatter off the terminal.

litert-torch, torchao, the quantiser and the C++ below them write to stdout, stderr and the two file
descriptors underneath, some of it at import. Nothing of it helps a user; a bug keeps it as a note.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import IO

_QUIET_SETTINGS = {
    "LITERT_TORCH_SHOW_PROGRESS": "n",
    "LITERT_TORCH_SILENCE_TORCH_LOGS": "y",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ABSL_MIN_LOG_LEVEL": "3",
}
_NOTE_CHARACTERS = 2000


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends all that the block prints, from Python or C++, to a temporary file.

    A progress bar that shall go on must hold its own copy of the terminal (`os.dup(2)`) from before.
    Anything raised carries the last of what was printed as a note, which `--debug` shows.
    """
    for name, value in _QUIET_SETTINGS.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as chatter:
        try:
            with _redirected(chatter), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Exception as error:
            if said := _last_of(chatter):
                error.add_note(f"The converters had said:\n{said}")
            raise


@contextlib.contextmanager
def _redirected(sink: IO[str]) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    try:
        for descriptor in (1, 2):
            os.dup2(sink.fileno(), descriptor)
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            yield
    finally:
        sink.flush()
        for descriptor, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)


def _last_of(chatter: IO[str]) -> str:
    chatter.seek(0)
    return chatter.read()[-_NOTE_CHARACTERS:].strip()
