import numpy as np
import pytest

from export.calibrate import measure_ranges
from export.noise import MOST_DB, decibels, measure_noise
from export.quantize import quantize_tflite
from export.quiet import quiet


@pytest.fixture(scope="module")
def int8(conv_tflite, train_windows):
    with quiet():
        return quantize_tflite(conv_tflite, "int8", measure_ranges(conv_tflite, train_windows))


@pytest.mark.parametrize(("signal", "error", "db"), [(100, 1, 20), (1, 1, 0), (1, 10, -10), (5, 0, MOST_DB)])
def test_decibels(signal, error, db):
    assert decibels(signal, error) == pytest.approx(db)


def test_a_file_beside_itself_has_no_noise(conv_tflite, train_windows):
    found = measure_noise(conv_tflite, conv_tflite, train_windows[:4])
    assert {noise.snr_db for noise in found.values()} == {MOST_DB}
    assert {noise.share for noise in found.values()} == {0.0}
    assert {noise.scale for noise in found.values()} == {None}


def test_the_inputs_noise_is_what_rounding_to_its_grid_makes(conv_tflite, int8, train_windows):
    """The one tensor whose noise can be worked out without a runtime."""
    windows = train_windows[:20]
    found = measure_noise(conv_tflite, int8, windows)["serving_default_acc"]
    steps = np.clip(np.round(windows / np.float32(found.scale)) + found.zero_point, -128, 127)
    error = (steps - found.zero_point) * found.scale - windows.astype(np.float64)
    wanted = 10 * np.log10(np.square(windows.astype(np.float64)).sum() / np.square(error).sum())
    assert found.snr_db == pytest.approx(wanted, abs=1e-3)
    assert (found.low, found.high) == (windows.min(), windows.max())


def test_fewer_bits_are_noisier(conv_tflite, int8, train_windows):
    with quiet():
        wide = quantize_tflite(conv_tflite, "int16x8", measure_ranges(conv_tflite, train_windows))
    narrow, wide = (measure_noise(conv_tflite, content, train_windows[:8]) for content in (int8, wide))
    names = [name for name in narrow if narrow[name].scale is not None]
    assert len(names) >= 10
    assert all(narrow[name].snr_db < wide[name].snr_db for name in names)
