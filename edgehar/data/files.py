"""Reading one stream file, with a sentence for every way in which it can be unusable."""

from __future__ import annotations

from pathlib import Path

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
