"""Where edgehar keeps what it can make again: prepared recordings, trained teachers and baselines."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder: `$EDGEHAR_CACHE`, else the user's own. It need not exist yet."""
    if chosen := os.environ.get("EDGEHAR_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("edgehar")


def fingerprint(key: object) -> str:
    """16 hex digits that differ whenever `key`, anything that JSON can hold, differs."""
    text = json.dumps(key, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_atomic(path: Path, writer: Callable[[Path], object]) -> None:
    """Writes a file whole or not at all: `writer` fills a neighbour, which then takes the name `path`.

    Missing folders are made. When anything is raised (a full disk, an interruption), what stood at
    `path` before is untouched and the neighbour is gone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        writer(neighbour)
        with neighbour.open("rb+") as file:
            os.fsync(file.fileno())
        neighbour.replace(path)
    except BaseException:
        neighbour.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file whole or not at all."""
    write_atomic(path, lambda part: part.write_text(text, encoding="utf-8"))
