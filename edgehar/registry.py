"""Names to things: look a name up, suggest the nearest, import what it stands for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from edgehar.errors import InputError


def check(kind: str, name: str, names: Iterable[str]) -> str:
    """`name` if it is one of `names`; else InputError that suggests the nearest."""
    names = tuple(names)
    if name in names:
        return name
    near = get_close_matches(name, names, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(f"No {kind} called {name!r}.{hint} All names: edgehar ls")


def load(target: str) -> Any:
    """The attribute that "module:attribute" names."""
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)
