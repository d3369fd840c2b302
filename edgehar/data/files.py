"""Reading one stream file, with a sentence for every way in which it can be unusable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgehar.data.clip import Stream
from edgehar.errors import InputError


def read_mat(path: Path, key: str) -> np.ndarray:
    """The array `key` of a MATLAB file, finite.

    Raises InputError if the file is missing, truncated or not MATLAB's, lacks the key, or holds a NaN.
    """
    from scipy.io import loadmat

    try:
        with path.open("rb") as file:  # given a path, loadmat hides that it does not exist
            content = loadmat(file, variable_names=[key])
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except Exception as error:  # scipy raises a dozen kinds for a damaged file
        raise InputError(f"{path} cannot be read as a MATLAB file ({error}): copy it again.") from error
    if key not in content:
        raise InputError(f"{path} has no array called {key}: it is not the file that its name says.")
    values = content[key]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise InputError(f"{path}: {key} holds no real numbers: it is not the file that its name says.")
    if values.size == 0:
        raise InputError(f"{path}: {key} is empty: the recording holds nothing.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{path}: {key} holds NaN or infinite values: repair or remove the recording.")
    return values


def read_video(path: Path) -> Stream:
    """A colour video (T, H, W, 3) uint8 and its average rate in Hz, decoded by PyAV.

    Raises InputError if PyAV is missing or the file holds no decodable frame.
    """
    try:
        import av
    except ImportError:
        raise InputError("Reading video files needs PyAV. Type: pip install av") from None
    try:
        with av.open(str(path)) as container:
            rate = container.streams.video[0].average_rate
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise InputError(f"{path} cannot be decoded as video ({error}): copy it again.") from error
    if not frames or not rate:
        raise InputError(f"{path} holds no video frame with a frame rate.")
    return Stream(np.stack(frames), float(rate), "rgb")


def read_video_frames(path: Path, tallest: int) -> tuple[np.ndarray, np.ndarray]:
    """A colour video upright, (T, H, W, 3) uint8, H at most `tallest`, and the time of each frame (T,) in s.

    Raises InputError if PyAV is missing or the file holds no decodable frame.
    """
    try:
        import av
    except ImportError:
        raise InputError("Reading video files needs PyAV. Type: pip install av") from None
    frames, seconds = [], []
    try:
        with av.open(str(path)) as container:
            rate = container.streams.video[0].average_rate
            for frame in container.decode(video=0):
                frames.append(_upright(frame, tallest))
                seconds.append(frame.time)
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise InputError(f"{path} cannot be decoded as video ({error}): copy it again.") from error
    if not frames:
        raise InputError(f"{path} holds no video frame: copy it again, or remove the clip.")
    if any(time is None for time in seconds) or (np.diff(seconds) <= 0).any():
        if not rate:
            raise InputError(f"{path} says neither times nor a frame rate: state rate_hz in the manifest.")
        seconds = [number / float(rate) for number in range(len(frames))]
    return np.stack(frames), np.asarray(seconds, np.float64)


def _upright(frame: Any, tallest: int) -> np.ndarray:
    turned = int(frame.rotation) % 360
    longest = frame.width if turned in (90, 270) else frame.height
    shrink = min(1.0, tallest / longest)
    small = frame.reformat(
        width=max(2, round(frame.width * shrink)),
        height=max(2, round(frame.height * shrink)),
        format="rgb24",
        interpolation="AREA",
    )
    return np.rot90(small.to_ndarray(), turned // 90)


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file, memory-mapped. Raises InputError if damaged or without real numbers."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not path.is_file():
            raise InputError(f"{path} does not exist.") from None
        raise InputError(
            f"{path} is no NumPy array ({_short(error)}): save it again with numpy.save."
        ) from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise InputError(f"{path} holds no real numbers: save an array of them with numpy.save.")
    if not values.size:
        raise InputError(f"{path} is empty: the recording holds nothing.")
    return values


def read_mat_any(path: Path) -> np.ndarray:
    """The one array of a MATLAB file. Raises InputError as read_mat does, and for none or several."""
    from scipy.io import whosmat

    try:
        with path.open("rb") as file:
            names = [name for name, shape, _ in whosmat(file) if len(shape) > 1 and max(shape) > 1]
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except Exception as error:  # scipy raises a dozen kinds for a damaged file
        raise InputError(
            f"{path} cannot be read as a MATLAB file ({_short(error)}): copy it again."
        ) from None
    if len(names) != 1:
        told = ", ".join(names) or "none"
        raise InputError(f"{path} must hold one array and holds {told}: save the wanted one alone.")
    return read_mat(path, names[0])


def _short(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".")[:100]
