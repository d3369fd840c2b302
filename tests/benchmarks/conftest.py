"""The scripts as modules, and edgehar's tiny UTD-MHAD."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests" / "edgehar" / "conftest.py"


@pytest.fixture(scope="session")
def benchmark() -> Iterator[Callable[[str], ModuleType]]:
    """`benchmark("ablations")`: a script of benchmarks, imported as Python does when it is started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield import_module


@pytest.fixture(scope="session")
def utd_mhad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 actions x 4 people x 2 trials as edgehar's tests write them, in the published format."""
    spec = importlib.util.spec_from_file_location("recordings", RECORDINGS)
    assert spec is not None and spec.loader is not None
    recordings = importlib.util.module_from_spec(spec)
    sys.modules["recordings"] = recordings  # dataclasses look their module up
    spec.loader.exec_module(recordings)
    return recordings.write_utd_mhad(tmp_path_factory.mktemp("recordings") / "UTD-MHAD")
