"""What a model file says of the stream that it takes: the contract that edgehar writes into its metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_sim.errors import SimError
from firmware_sim.model import read_model
from firmware_sim.schema import Reader, damage_is_an_error, text

CONTRACT_KEY = "EDGEHAR_CONTRACT"


@dataclass(frozen=True)
class StreamContract:
    """window: samples of one inference, at rate_hz; labels: what score i stands for; unit: of a sample."""

    window: int
    rate_hz: float
    labels: tuple[str, ...]
    unit: str
    axis_order: tuple[str, ...]


def read_stream_contract(path: Path) -> StreamContract:
    """The contract inside a `.tflite` file. Raises SimError for a file without one, or that cannot stream.

    A file whose clips of mixed length were resampled to one window has no rate: a watch cannot know where
    such a clip begins and ends.
    """
    found = _read_json(path)
    try:
        if found["rate_hz"] is None:
            raise SimError(
                f"{path}: was trained on whole clips of mixed length (rate_hz is null), so it cannot stream; "
                "train one with: edgehar distill --framing window"
            )
        return StreamContract(
            window=int(found["window"]),
            rate_hz=float(found["rate_hz"]),
            labels=tuple(found["labels"]),
            unit=str(found["unit"]),
            axis_order=tuple(found["axis_order"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SimError(f"{path}: its edgehar contract is damaged ({error}); export it again.") from error


def _read_json(path: Path) -> dict[str, Any]:
    read_model(path)  # says in a sentence what is no .tflite file
    with damage_is_an_error(path):
        reader = Reader(path.read_bytes())
        buffers = reader.tables(reader.root, "Buffers")
        for entry in reader.tables(reader.root, "Metadata"):
            if text(entry.Name()) == CONTRACT_KEY:
                return dict(json.loads(bytes(reader.numbers(buffers[entry.Buffer()], "Data"))))
    raise SimError(f"{path}: does not say its rate and window (no edgehar contract); export it with edgehar.")
