"""Where other people's networks come from: a function that builds one, and a file of its weights."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.errors import ExportError


def build(target: str, **facts: int) -> nn.Module:
    """Calls the function that `target` names; of `facts` (window, channels) it gets those it takes.

    Raises ExportError if there is no such function, it wants more, or gives no network.
    """
    where, _, name = target.rpartition(":")
    if not where or not name:
        raise ExportError(f"{target!r} names no function; write module:function, such as mymodel:build.")
    function = getattr(_imported(where), name, None)
    if not callable(function):
        raise ExportError(f"{where} has no function {name!r}; write one that returns the network.")
    parameters = inspect.signature(function).parameters.values()
    given = {each.name: facts[each.name] for each in parameters if each.name in facts}
    unknown = [
        each.name
        for each in parameters
        if each.name not in given
        and each.default is each.empty
        and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if unknown:
        raise ExportError(
            f"{target} wants {', '.join(unknown)}; give it defaults, or name a function without arguments "
            "(window and channels are passed to those who take them)."
        )
    network = function(**given)
    if not isinstance(network, nn.Module):
        raise ExportError(f"{target} gives a {type(network).__name__}, not a torch.nn.Module.")
    return network


def _imported(where: str) -> Any:
    """The module of that name, looked for in the current folder too, or the file of that path."""
    if not where.endswith(".py"):
        sys.path.insert(0, "")
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name not in (where, where.partition(".")[0]):
                raise
            raise ExportError(f"There is no module {where}, here or installed; name its file.") from None
        finally:
            sys.path.remove("")
    path = Path(where)
    if not path.is_file():
        raise ExportError(f"There is no file {path}; name the file of the function that builds the network.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills a network from .safetensors, or from a .pt or .pth of plain tensors (no code is run).

    Raises ExportError if the file is missing, damaged, holds more than tensors, or fits another network.
    """
    state = _state(Path(path))
    try:
        network.load_state_dict(state)
    except RuntimeError:
        own = network.state_dict()
        missing = [name for name in own if name not in state]
        extra = [name for name in state if name not in own]
        other = [name for name in own if name in state and own[name].shape != state[name].shape]
        other_shape = f"has another {other[0]}" if other else "cannot be filled in"
        what = f"lacks {missing[0]}" if missing else f"has {extra[0]} too" if extra else other_shape
        raise ExportError(f"{path} holds another network's weights: it {what}; name its own.") from None


def _state(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ExportError(f"There is no file {path}; name the weights of the network.")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ExportError(f"{path} is damaged ({error}); copy it again.") from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a dozen kinds, for damage and for what is more than tensors
        raise ExportError(
            f"{path} holds more than tensors, or is damaged; save the network's state_dict as .safetensors."
        ) from None
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ExportError(f"{path} holds no state_dict; save the network's as .safetensors.")
    return found
