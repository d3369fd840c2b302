"""Small model files for the verbs that take one, written as firmware_sim's tests write them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parents[2] / "firmware_sim"


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


sketch = _load("firmware_sim_sketches", TESTS / "conftest.py").sketch
sign_model = _load("firmware_sim_streams", TESTS / "stream" / "conftest.py").sign_model
