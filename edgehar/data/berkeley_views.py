"""What else of Berkeley MHAD is read where it lies beside the accelerometers: motion capture and cameras.

    Mocap/OpticalData/moc_s01_a01_r01.txt                               43 markers, mm, 480 Hz, stamped
    Camera/Cluster01/Cam01/S01/A01/R01/img_l01_c01_s01_a01_r01_00000.pgm    640 x 480, Bayer grbg, about 22 Hz
    Camera/Correspondences/corr_moc_img_s01_a01_r01.txt                 of each picture its row of the markers

A row of markers has 43 x 3 coordinates (0 0 0 where a marker was hidden), the number of its frame and the
seconds since 1970, the accelerometers' clock; pictures have no stamps but those of their rows of markers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from edgehar.data.clip import Stream
from edgehar.data.repair import repaired
from edgehar.errors import InputError
from edgehar.signals.clock_repairs import period_of
from edgehar.signals.timestamps import at_rate

MARKERS = 43
MARKERS_HZ = 30.0  # what they are brought to, as other skeletons are
CAMERA_HZ = 22.0  # where nothing says when a picture was taken
Span = tuple[float, float]

_PGM = re.compile(rb"P5\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s")


def mocap_file(folder: Path, name: str) -> Path | None:
    """Where the markers of a recording such as s01_a01_r01 are; None if they are not there."""
    path = folder / "Mocap" / "OpticalData" / f"moc_{name}.txt"
    return path if path.is_file() else None


def camera_folders(folder: Path, name: str) -> dict[str, Path]:
    """The folders of a recording's pictures by stream: `rgb` the first camera, `rgb.l01_c02` and so on."""
    inside = "/".join(name.upper().split("_"))  # s01_a01_r01 -> S01/A01/R01
    found: dict[str, Path] = {}
    for path in sorted((folder / "Camera").glob(f"Cluster[0-9][0-9]/Cam[0-9][0-9]/{inside}")):
        cluster, camera = path.parts[-5][-2:], path.parts[-4][-2:]
        found[f"rgb.l{cluster}_c{camera}" if found else "rgb"] = path
    return found


@lru_cache(maxsize=2)  # its markers and their stamps are asked for stream by stream
def mocap_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Markers (T, 43, 3) in m, 0 where one was hidden, and seconds since 1970 (T,).

    Raises InputError for a file that is not of such rows.
    """
    try:
        values = np.array(path.read_bytes().split(), np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as numbers ({error}): copy it again.") from None
    columns = 3 * MARKERS + 2
    if values.size < 2 * columns or values.size % columns:
        raise InputError(f"{path} holds {values.size} numbers, expected rows of {columns}: copy it again.")
    table = values.reshape(-1, columns)
    if not np.isfinite(table).all() or (np.diff(table[:, -1]) <= 0).any():
        raise InputError(f"{path} holds NaN, or stamps that do not rise: copy it again.")
    return table[:, :-2].reshape(-1, MARKERS, 3) / 1000, table[:, -1]


def read_markers(path: Path, span: Span) -> Stream:
    """The markers (T, 43, 3) in m at 30 Hz over a span in seconds since 1970; short gaps are filled in."""
    markers, seconds = mocap_table(path)
    whole, _ = repaired(markers.astype(np.float32), 1 / period_of(seconds), str(path))
    values = at_rate(seconds - span[0], whole, MARKERS_HZ, 0.0, span[1] - span[0])
    return Stream(values, MARKERS_HZ, "m")


def read_camera(folder: Path, mocap: Path | None, correspondences: Path, span: Span) -> Stream:
    """Pictures (T, 240, 320, 3) uint8 over a span in seconds since 1970; all of them, at 22 Hz, where no
    correspondences say when they were taken.

    Raises InputError for a folder with less than two pictures in the span, and for one that is damaged.
    """
    paths = sorted(folder.glob("img_*.pgm"))
    rate_hz = CAMERA_HZ
    if mocap is not None and correspondences.is_file():
        at = mocap_table(mocap)[1][_mocap_rows(correspondences, len(paths), mocap)]
        inside = np.flatnonzero((at >= span[0]) & (at <= span[1]))
        paths = [paths[row] for row in inside]
        if len(inside) > 1:
            rate_hz = float((len(inside) - 1) / (at[inside[-1]] - at[inside[0]]))
    if len(paths) < 2:
        raise InputError(
            f"{folder} has {len(paths)} pictures while the sensors record: remove it, or copy it again."
        )
    return Stream(np.stack([read_bayer(path) for path in paths]), rate_hz, "rgb")


def _mocap_rows(path: Path, pictures: int, mocap: Path) -> np.ndarray:
    """The row of the markers for each picture: the third number of a line."""
    try:
        rows = np.loadtxt(path, ndmin=2)[:, 2].astype(int)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path} is no table of correspondences ({error}): copy it again.") from None
    if len(rows) < pictures or rows.min() < 0 or rows.max() >= len(mocap_table(mocap)[1]):
        raise InputError(f"{path} does not go with {pictures} pictures and {mocap}: copy them again.")
    return rows[:pictures]


def read_bayer(path: Path) -> np.ndarray:
    """A picture of a colour filter array (rows of G R and of B G) as colours at half its size, (H, W, 3)."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): copy it again.") from None
    head = _PGM.match(content)
    width, height = (int(head[1]), int(head[2])) if head else (0, 0)
    if head is None or width % 2 or height % 2 or len(content) - head.end() < width * height:
        raise InputError(f"{path} is no whole PGM picture of 8 bits: copy it again.")
    cells = np.frombuffer(content, np.uint8, width * height, head.end()).reshape(height, width)
    green = (cells[::2, ::2].astype(np.uint16) + cells[1::2, 1::2] + 1) // 2
    return np.stack([cells[::2, 1::2], green.astype(np.uint8), cells[1::2, ::2]], axis=-1)
