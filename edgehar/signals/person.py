"""A person of any size at any place in a depth video, brought to one size at one place."""

from __future__ import annotations

import numpy as np

HEADROOM = 1.3  # of a standing person's height: raised hands stay in the picture
TRUNK = 0.08  # of the picture's height to each side of the middle: head and legs, not the arms


def is_cut_out(video: np.ndarray) -> bool:
    """Whether a depth video (T, H, W, 1) shows a person alone: most of it is 0, which means unseen."""
    return video.shape[-1] == 1 and float((video == 0).mean()) > 0.5


def frame_person(video: np.ndarray) -> np.ndarray:
    """Cut a depth video (T, H, W, 1) of a person who was cut out so that every person stands equally high.

    The same box for every frame, in the video's aspect: as high as the person stands, with headroom,
    on the feet, around the middle of the body; what lies outside the picture is unseen. So a teacher
    need not learn how tall people are or where they stood. A video without a person comes back as it is.
    """
    seen: np.ndarray = np.asarray(video[..., 0] > 0)  # (T, H, W)
    columns = np.flatnonzero(seen.any(axis=(0, 1)))
    if not len(columns):
        return video
    middle = int(np.median(np.nonzero(seen)[2]))
    half = max(1, round(TRUNK * seen.shape[1]))
    trunk = seen[:, :, max(0, middle - half) : middle + half + 1].any(axis=2)  # (T, H)
    trunk = np.asarray(trunk)[np.any(trunk, axis=1)]
    top, bottom = trunk.argmax(axis=1), trunk.shape[1] - trunk[:, ::-1].argmax(axis=1)
    standing = np.percentile(bottom - top, 75)
    height = max(4, round(HEADROOM * standing))
    width = max(4, round(height * video.shape[2] / video.shape[1]))
    return _cut(video, int(np.median(bottom)) - height, middle - width // 2, height, width)


def _cut(video: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """A box of a video (T, H, W, C); where the box leaves the picture it is 0."""
    result = np.zeros((len(video), height, width, video.shape[3]), video.dtype)
    rows = slice(max(0, top), min(video.shape[1], top + height))
    columns = slice(max(0, left), min(video.shape[2], left + width))
    inside = video[:, rows, columns]
    down, right = rows.start - top, columns.start - left
    result[:, down : down + inside.shape[1], right : right + inside.shape[2]] = inside
    return result
