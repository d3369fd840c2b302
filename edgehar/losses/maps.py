"""Inner maps of different shape, brought to where they can be compared: their course in time.

A map is (N, C, T, ...): channels, time, then picture rows and columns, or joints, or nothing. All that a
picture, a skeleton and a wrist share is time; so a map is averaged over what comes after it, and courses
of different length are resampled. A map that is a time course already stays as it is.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from edgehar.losses.precision import widen
from edgehar.models.output import Output


def timecourse(values: Tensor) -> Tensor:
    """A map (N, C, T, ...) as (N, C, T): its mean over all dimensions after the third, float32 at least.

    Raises ValueError for fewer than three dimensions.
    """
    if values.dim() < 3:
        raise ValueError(f"a map is {tuple(values.shape)}; its third dimension must be time: (N, C, T, ...).")
    values = widen(values)
    return values if values.dim() == 3 else values.mean(tuple(range(3, values.dim())))


def resample(course: Tensor, length: int) -> Tensor:
    """A time course (N, C, T) as (N, C, length), by linear interpolation; both span the same time."""
    if course.shape[2] == length:
        return course
    return functional.interpolate(course, size=length, mode="linear", align_corners=False)


def middle(said: Output) -> Tensor:
    """The hint layer's time course (N, C, T): the map halfway down, the second of three or four.

    Of the two maps that are `middle` and `last` it is the first, so no other need be kept.
    Raises ValueError if there are no maps.
    """
    maps = _maps(said)
    return timecourse(maps[(len(maps) - 1) // 2])


def last(said: Output) -> Tensor:
    """The deepest map's time course (N, C, T). Raises ValueError if there are no maps."""
    return timecourse(_maps(said)[-1])


def _maps(said: Output) -> list[Tensor]:
    if not said.maps:
        raise ValueError("an Output holds no maps; a loss that compares inner maps needs them of everyone.")
    return list(said.maps.values())


def check_same_clips(student: Tensor, teacher: Tensor) -> None:
    """Raises ValueError unless two time courses, (N, C, T) and (N, D, U), are of equally many clips."""
    if student.shape[0] != teacher.shape[0]:
        raise ValueError(
            f"maps are of {student.shape[0]} clips of the student and {teacher.shape[0]} of the teacher;"
            " both must be of the same clips."
        )
