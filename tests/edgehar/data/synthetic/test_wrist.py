import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.data.synthetic import wrist
from edgehar.data.synthetic.body import rotation
from edgehar.data.synthetic.people import turned

RATE = 200.0
TIME = np.arange(400) / RATE
vectors = st.tuples(*[st.floats(-2, 2)] * 3).filter(lambda v: np.linalg.norm(v) > 0.01)


@settings(max_examples=30, deadline=None)
@given(vectors)
def test_at_rest_it_feels_gravity_upwards_however_it_lies(vector):
    attitude = turned(vector)
    acc, gyro = wrist.feel(np.ones((10, 3)), np.tile(attitude, (10, 1, 1)), RATE)
    np.testing.assert_allclose(np.linalg.norm(acc, axis=1), 9.81)
    np.testing.assert_allclose(acc @ attitude.T, np.tile([0, 9.81, 0], (8, 1)), atol=1e-9)
    np.testing.assert_allclose(gyro, 0, atol=1e-9)


def test_falling_freely_it_feels_nothing():
    path = np.stack([TIME, 3 - 9.81 * TIME**2 / 2, 0 * TIME], axis=1)
    acc, _ = wrist.feel(path, np.tile(np.eye(3), (len(TIME), 1, 1)), RATE)
    np.testing.assert_allclose(acc, 0, atol=1e-7)


def test_on_a_circle_it_feels_the_centre_pull():
    """A wheel of 0.3 m at 4 rad/s about the vertical, the x axis outwards: -r w^2 along x, w about y."""
    turn = 4.0 * TIME
    path = 0.3 * np.stack([np.cos(turn), 0 * turn, -np.sin(turn)], axis=1)
    acc, gyro = wrist.feel(path, rotation(1, turn), RATE)
    np.testing.assert_allclose(acc, np.tile([-0.3 * 16, 9.81, 0], (len(acc), 1)), atol=1e-3)
    np.testing.assert_allclose(gyro, np.tile([0, 4.0, 0], (len(acc), 1)), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(vectors)
def test_the_gyro_gives_the_rotation_back(rate):
    attitude = np.stack([turned(np.asarray(rate) * t) if t else np.eye(3) for t in TIME[:20]])
    _, gyro = wrist.feel(np.zeros((20, 3)), attitude, RATE)
    np.testing.assert_allclose(gyro, np.tile(rate, (18, 1)), atol=1e-6)


def test_sampling_keeps_slow_movement_in_place_and_drops_fast():
    def through(hz: float) -> tuple[np.ndarray, np.ndarray]:
        values = np.sin(2 * np.pi * hz * TIME)
        kept = wrist.sample(np.stack([values] * 3, axis=1), RATE, 4)[:, 0]
        return kept, values[wrist.REACH : -wrist.REACH : 4]

    kept, true = through(3.0)
    np.testing.assert_allclose(kept, true, atol=0.01)
    assert np.abs(through(40.0)[0]).max() < 0.01


def test_flaws_have_the_size_they_say_and_the_sensor_saturates():
    flaws = wrist.Flaws(acc_noise=0.5, acc_bias=0.0, gyro_noise=0.0, gyro_bias=0.1)
    quiet, fast = np.zeros((4000, 3)), np.full((4000, 3), 1000.0)
    acc, gyro = wrist.spoil(quiet, quiet, flaws, np.random.default_rng(1))
    assert acc.dtype == gyro.dtype == np.float32
    assert acc.std() == pytest.approx(0.5, rel=0.05)
    assert (gyro == gyro[0]).all()
    assert 0 < np.abs(gyro[0]).max() < 0.5
    acc, gyro = wrist.spoil(fast, -fast, wrist.Flaws(), np.random.default_rng(1))
    assert (acc == np.float32(16 * 9.81)).all()
    assert (gyro == np.float32(-np.deg2rad(2000))).all()
