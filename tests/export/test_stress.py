import numpy as np
import pytest

from export.stress import EXTREME, SATURATION, stress_windows


@pytest.mark.parametrize(("time", "channels"), [(64, 3), (50, 6), (33, 1)])
def test_groups_hold_what_their_names_say(time, channels):
    real = np.random.default_rng(0).normal(0, 9, (20, time, channels)).astype(np.float32)
    groups = stress_windows(real)
    assert all(w.shape[1:] == (time, channels) and w.dtype == np.float32 for w in groups.values())
    assert all(np.isfinite(windows).all() for windows in groups.values())
    assert not groups["silence"][0].any() and np.ptp(groups["silence"], axis=1).max() == 0
    assert np.abs(groups["saturation"]).max() == pytest.approx(SATURATION)
    assert np.abs(groups["extremes"]).max() == pytest.approx(EXTREME)
    frozen = (np.ptp(groups["constant axis"], axis=1) == 0).sum(axis=1)
    assert set(frozen) == {1} and len(frozen) == 8 * channels
