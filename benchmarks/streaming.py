"""What a watch would have said: UTD-MHAD's test clips strung together as one recording, streamed to a file.

The accelerometers of the test subjects, clip after clip (subject by subject, an action's trials in a row), at
their own 50 Hz, are played by `edgehar bench --stream`'s day: sensor, FIFO, ring buffer, windows, decisions.
Most windows hold the end of one motion and the start of the next, which no training window did, so those
that lie in one clip are counted apart. Writes the recording, so that `bench --stream --recording` can be
given it. Not a ratio, and no bar: these are figures.

    python benchmarks/streaming.py runs/walk/export/student.int8.tflite --recording watch.csv
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgehar.cli.stream import stream
from edgehar.data.utd_mhad import LABELS, read
from firmware_sim.estimate import estimate
from firmware_sim.model import read_model
from firmware_sim.profile import read_profile

RATE_HZ = 50
SETTINGS = (("smoothing=1",), ("smoothing=3",), ("hop=25", "smoothing=5"))  # the first two: half a window


def write_recording(path: Path, data_dir: Path | None) -> np.ndarray:
    """The test clips as a .csv file of t,x,y,z,label; returns the clip's number of each sample (T,)."""
    found = read(data_dir)
    trains = found.splits["cross-subject"]
    clips = sorted(
        (c for c in found.clips if not trains(c) and "acc" in c.streams),
        key=lambda c: (int(c.subject), c.label, int(c.trial)),
    )
    numbers: list[int] = []
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["t", "x", "y", "z", "label"])
        for number, clip in enumerate(clips):
            for sample in clip.streams["acc"]().values:
                time = f"{len(numbers) / RATE_HZ:.2f}"
                rows.writerow([time, *(f"{value:.4f}" for value in sample), LABELS[clip.label]])
                numbers.append(number)
    return np.array(numbers)


def measure(
    file: Path, recording: Path, clips: np.ndarray, settings: Sequence[str]
) -> dict[str, float | str]:
    """Accuracy of the model on all windows and on those of one clip, and of what is announced."""
    model, profile = read_model(file), read_profile("cpu-arm")
    report = stream(file, estimate(model, profile), profile, settings, recording)
    decisions, window = report.decisions or (), model.tensors[model.inputs[0]].shape[1]
    lasts = [round(decision.window_end_s * RATE_HZ) for decision in decisions]
    inside = [clips[last - window + 1] == clips[last] for last in lasts]
    right = [decision.label == decision.truth for decision in decisions]
    return {
        "settings": " ".join(settings),
        "windows": len(decisions),
        "inside_one_clip": int(np.sum(inside)),
        "accuracy": float(np.mean(right)),
        "accuracy_inside": float(np.mean(np.array(right)[inside])),
        "announced_accuracy": float(report.announced_accuracy or 0.0),
    }


def main() -> int:
    """Prints a line for each way of smoothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="a .tflite file trained with --framing window at 50 Hz")
    parser.add_argument("--recording", type=Path, default=Path("watch.csv"), help="where to write it")
    parser.add_argument("--data-dir", type=Path, help="UTD-MHAD's folder (default data/UTD-MHAD)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    clips = write_recording(options.recording, options.data_dir)
    found = [measure(options.file, options.recording, clips, settings) for settings in SETTINGS]
    if options.json:
        print(json.dumps({"samples": len(clips), "clips": int(clips[-1]) + 1, "found": found}))
        return 0
    print(f"{clips[-1] + 1} clips, {len(clips) / RATE_HZ / 60:.1f} minutes")
    for line in found:
        print(
            "{settings:20} {windows} windows {accuracy:.1%} right, {inside_one_clip} in one clip "
            "{accuracy_inside:.1%}, announced {announced_accuracy:.1%}".format(**line)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
