"""What a watch feels: acceleration and turning rate from the path and the attitude of the wrist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GRAVITY = 9.81  # m/s^2
ACC_RANGE = 16 * GRAVITY  # m/s^2, where the sensor saturates
GYRO_RANGE = np.deg2rad(2000)  # rad/s
REACH = 20  # values to either side that the low-pass filter looks at
_CUT_HZ = 20.0


@dataclass(frozen=True)
class Flaws:
    """Standard deviations of white noise and of an offset that stays for a clip, in m/s^2 and rad/s."""

    acc_noise: float = 0.25
    acc_bias: float = 0.2
    gyro_noise: float = 0.03
    gyro_bias: float = 0.02


def feel(path: np.ndarray, attitude: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """A perfect sensor: acc in m/s^2 and gyro in rad/s, (n - 2, 3) each, for all instants but the ends.

    path: (n, 3) m; attitude: (n, 3, 3), its columns the sensor's axes, both at `rate_hz` in a
    right-handed frame with y up. Gravity is included as accelerometers have it: at rest they feel the
    9.81 m/s^2 with which the ground bears them up.
    """
    moved = (path[2:] - 2 * path[1:-1] + path[:-2]) * rate_hz**2
    moved[:, 1] += GRAVITY
    acc = np.einsum("nji,nj->ni", attitude[1:-1], moved)
    turn = np.einsum("nji,njk->nik", attitude[:-2], attitude[2:])
    return acc, _vector(turn) * rate_hz / 2


def sample(values: np.ndarray, rate_hz: float, every: int) -> np.ndarray:
    """Every `every`-th of values (n, 3) at `rate_hz`, low-passed at 20 Hz.

    The filter looks `REACH` values to either side: the first result belongs to value number REACH.
    """
    away = np.arange(-REACH, REACH + 1)
    taps = np.sinc(2 * _CUT_HZ / rate_hz * away) * np.hamming(len(away))
    taps /= taps.sum()
    smooth = [np.convolve(axis, taps, mode="valid") for axis in values.T]
    return np.stack(smooth, axis=1)[::every]


def spoil(
    acc: np.ndarray, gyro: np.ndarray, flaws: Flaws, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Noise, offsets and saturation: (T, 3) float32 each."""

    def add(values: np.ndarray, noise: float, bias: float, limit: float) -> np.ndarray:
        spoilt = values + rng.normal(0, noise, values.shape) + rng.normal(0, bias, 3)
        return np.clip(spoilt, -limit, limit).astype(np.float32)

    return (
        add(acc, flaws.acc_noise, flaws.acc_bias, ACC_RANGE),
        add(gyro, flaws.gyro_noise, flaws.gyro_bias, GYRO_RANGE),
    )


def _vector(turn: np.ndarray) -> np.ndarray:
    """Axis times angle (n, 3) of rotations (n, 3, 3) below half a turn."""
    skew = np.stack(
        [turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0], turn[:, 1, 0] - turn[:, 0, 1]], axis=1
    )
    sine = np.linalg.norm(skew, axis=1) / 2
    angle = np.arctan2(sine, (np.trace(turn, axis1=1, axis2=2) - 1) / 2)
    return skew / 2 * (angle / np.maximum(sine, 1e-12))[:, None]
