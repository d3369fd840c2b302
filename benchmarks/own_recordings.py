"""A whole path, as somebody with a folder of recordings goes it, and what comes out at its end.

    folder of .csv -> data scan -> data check -> distill (windows) -> export --int8 -> predict, file by file

The folder is made of UTD-MHAD's clips as a phone app writes them: `s3/draw x/2/acc.csv` beside `gyro.csv`,
milliseconds since 1970, g and degrees a second. Every step is a command of edgehar's, and at the end the int8
file judges every raw .csv of the people who were not trained on. Two things are compared: its decisions with
those of the trained student, and what `predict` makes of a raw file with what training's path makes of it.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgehar.data.manifest import read_rows
from edgehar.data.utd_mhad import GRAVITY, read
from edgehar.evaluation import vote

BEGUN_MS = 1_760_000_000_000  # the first clip, in ms since 1970
BARS = {"int8_loses_at_most": 0.02, "paths_differ_by_at_most": 0.005}  # of clips named rightly


def write_folder(data_dir: Path, folder: Path) -> int:
    """UTD-MHAD's accelerometer and gyroscope as a phone app's files; returns how many clips."""
    recordings = read(data_dir)
    for number, clip in enumerate(recordings.clips):
        place = folder / f"s{clip.subject}" / recordings.labels[clip.label] / clip.trial
        place.mkdir(parents=True)
        for name, scale in (("acc", 1 / GRAVITY), ("gyro", 180 / math.pi)):
            stream = clip.streams[name]()
            stamps = BEGUN_MS + 60_000 * number + np.arange(len(stream.values)) * 1000 / stream.rate_hz
            rows = [
                f"{t:.0f},{x:.7g},{y:.7g},{z:.7g}\n"
                for t, (x, y, z) in zip(stamps, stream.values * scale, strict=True)
            ]
            (place / f"{name}.csv").write_text("timestamp_ms,x,y,z\n" + "".join(rows))
    return len(recordings.clips)


def edgehar(*words: object) -> dict:
    """What a command prints as JSON; its progress goes to the terminal."""
    command = [sys.executable, "-m", "edgehar.cli.main", *map(str, words), "--json"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}")
    return json.loads(ended.stdout)


def decisions(file: Path, manifest: Path, subjects: set[str], hop_s: float) -> dict[str, float]:
    """What `edgehar predict` says of the raw accelerometer files of some people: windows and clips."""
    from edgehar.data.streams import Source
    from export.predict import predict_file

    right, votes = [], []
    for row in read_rows(manifest):
        label, subject = row.about[:2]
        if row.source.stream != "acc" or subject not in subjects:
            continue
        told, _ = predict_file(file, Source("own", row.source.path, "acc", "g"), hop_s=hop_s)
        said = np.array([decision.label for decision in told.decisions])
        right.append(said == label)
        votes.append(vote(said, np.zeros(len(said), int))[0] == label)
    windows = np.concatenate(right)
    return {
        "clips": len(votes),
        "decisions": len(windows),
        "windows": windows.mean(),
        "accuracy": np.mean(votes),
    }


def measure(data_dir: Path, folder: Path, options: list[str], hop_s: float) -> dict[str, float]:
    """Every step in `folder`, which is empty; figures as fractions 0 to 1."""
    own, run = folder / "own", folder / "run"
    write_folder(data_dir, own)
    scanned = edgehar(
        "data", "scan", own, "--pattern", "{subject}/{label}/{trial}/{stream}.csv",
        "--unit", "acc=g,gyro=deg/s",
    )  # fmt: skip
    checked = edgehar("data", "check", scanned["manifest"])
    trained = edgehar(
        "distill", "--data", scanned["manifest"], "--teacher", "sensors", "--framing", "window",
        "--hop", hop_s, "--out", run, *options,
    )  # fmt: skip
    edgehar("export", run, "--int8", "--format", "tflite")
    file = run / "export" / "student.int8.tflite"
    judged = edgehar("eval", file)
    said = decisions(file, Path(scanned["manifest"]), set(judged["clips_per_subject"]), hop_s)
    of_file = judged["networks"][file.name]
    return {
        "clips": scanned["clips"],
        "findings": len(checked["findings"]),
        "baseline": trained["baseline"]["accuracy"]["per_seed"][0],
        "student": trained["student"]["accuracy"]["per_seed"][0],
        "student_windows": trained["windows"]["student"]["accuracy"]["per_seed"][0],
        "int8": of_file["accuracy"],
        "int8_windows": of_file["windows"],
        "predicted_clips": said["clips"],
        "predicted_decisions": said["decisions"],
        "predicted": said["accuracy"],
        "predicted_windows": said["windows"],
    }


def main() -> int:
    """Prints the figures; exit code 1 if the path lost more than its bars on the way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=Path("data/UTD-MHAD"), help="UTD-MHAD's folder")
    parser.add_argument("--folder", type=Path, help="where to work, and leave what was made")
    parser.add_argument("--hop", type=float, default=0.5, help="seconds from window to window")
    parser.add_argument("--preset", default="best")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = parser.parse_args()
    options = ["--preset", given.preset, *(["--epochs", str(given.epochs)] if given.epochs else [])]
    with tempfile.TemporaryDirectory() as place:
        found = measure(given.data_dir, given.folder or Path(place), options, given.hop)
    print(json.dumps(found | {"bars": BARS}) if given.json else _told(found))
    lost = found["student"] - found["int8"] > BARS["int8_loses_at_most"]
    return int(lost or abs(found["int8"] - found["predicted"]) > BARS["paths_differ_by_at_most"])


def _told(found: dict[str, float]) -> str:
    share = {name: f"{100 * value:.1f} %" for name, value in found.items() if value <= 1}
    return (
        f"{found['clips']} clips scanned, {found['findings']} findings. Clips of people not trained on named "
        f"rightly: baseline {share['baseline']}, student {share['student']}, as int8 {share['int8']}, and by "
        f"predict from {found['predicted_clips']} raw files {share['predicted']}. Single windows: student "
        f"{share['student_windows']}, int8 {share['int8_windows']}, predict {share['predicted_windows']} of "
        f"{found['predicted_decisions']} decisions."
    )


if __name__ == "__main__":
    sys.exit(main())
