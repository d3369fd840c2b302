from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.signals import gaf as gaf_module
from edgehar.signals.gaf import GramianAngularField, gaf

KINDS = pytest.mark.parametrize("kind", ["summation", "difference"])


def draw(clips: int = 4, samples: int = 32, axes: int = 3, seed: int = 0) -> torch.Tensor:
    """Random walks in m/s^2, so that pictures have structure."""
    return torch.randn(clips, samples, axes, generator=torch.Generator().manual_seed(seed)).cumsum(1)


@pytest.fixture(scope="module")
def reference() -> Callable[..., torch.Tensor]:
    """`reference(x, kind, size)`: pyts on the same numbers in float64, (N, C, size, size)."""
    with pytest.MonkeyPatch.context() as patch:
        # Left to itself it compiles for half a minute at import; as plain Python it says the same.
        patch.setenv("NUMBA_DISABLE_JIT", "1")
        from pyts.image import GramianAngularField as Reference

    def transform(x: torch.Tensor, kind: str, size: int | float = 1.0) -> torch.Tensor:
        rows = x.double().transpose(1, 2).reshape(-1, x.shape[1]).numpy()
        pictures = Reference(image_size=size, method=kind).transform(rows)
        return torch.from_numpy(np.asarray(pictures)).unflatten(0, (x.shape[0], x.shape[2]))

    return transform


@KINDS
def test_by_hand(kind):
    # 2, 6, 4 becomes the cosines -1, 1, 0: the angles pi, 0 and pi / 2.
    x = torch.tensor([[[2.0], [6.0], [4.0]]])
    wanted = {
        "summation": [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, -1.0]],
        "difference": [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [-1.0, 1.0, 0.0]],
    }[kind]
    torch.testing.assert_close(gaf(x, kind)[0, 0], torch.tensor(wanted))


@KINDS
@pytest.mark.parametrize("samples", [2, 31, 128])
def test_equals_pyts(kind, samples, reference):
    x = draw(samples=samples)
    torch.testing.assert_close(gaf(x, kind).double(), reference(x, kind), atol=1e-5, rtol=0)


@KINDS
def test_equals_pyts_where_samples_nearly_reach_the_extremes(kind, reference):
    # 1 - cos^2 in float32 would be off by some 1e-4 here.
    x = torch.tensor([0.0, 1e-6, 3e-5, 0.5, 1 - 1e-6, 1.0]).reshape(1, -1, 1)
    torch.testing.assert_close(gaf(x, kind).double(), reference(x, kind), atol=1e-6, rtol=0)


@KINDS
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(1e-2, 1e2),
    shift=st.floats(-100, 100),
    axes=st.integers(1, 4),
)
def test_blind_to_unit_and_offset_and_each_axis_by_itself(kind, seed, scale, shift, axes):
    x = draw(2, 16, axes, seed).double()
    pictures = gaf(x, kind)
    torch.testing.assert_close(gaf(scale * x + shift, kind), pictures, atol=1e-6, rtol=0)
    alone = [gaf(x[n : n + 1, :, c : c + 1], kind)[0, 0] for n in range(2) for c in range(axes)]
    torch.testing.assert_close(pictures.flatten(0, 1), torch.stack(alone))
    assert pictures.abs().max() <= 1 + 1e-12


def test_summation_is_symmetric_and_difference_antisymmetric():
    x = draw()
    torch.testing.assert_close(gaf(x), gaf(x).mT)
    torch.testing.assert_close(gaf(x, "difference"), -gaf(x, "difference").mT)


@KINDS
@pytest.mark.parametrize("value", [0.0, 9.81, -1e-30, 1e6])
def test_a_constant_axis_is_0(kind, value):
    x = draw(samples=32)
    x[1, :, 2] = value
    for pictures in (gaf(x, kind), GramianAngularField(32, 16, kind)(x)):
        assert (pictures[1, 2] == 0).all()
        assert pictures.isfinite().all()
        assert (pictures[1, 1] != 0).any()


def test_a_nan_stays_in_its_own_window_and_axis():
    x = draw()
    x[1, 5, 2] = torch.nan
    spoilt = gaf(x).isnan().any(3).any(2)
    assert spoilt.nonzero().tolist() == [[1, 2]]


@KINDS
def test_a_kept_buffer_is_filled_and_returned(kind):
    out = torch.full((4, 3, 32, 32), torch.nan)
    assert gaf(draw(seed=1), kind, out) is out
    assert torch.equal(out, gaf(draw(seed=1), kind))
    gaf(draw(seed=2), kind, out)
    assert torch.equal(out, gaf(draw(seed=2), kind))


@pytest.mark.parametrize("pixels", [1, 32 * 32, 5 * 32 * 32, 1 << 20])
def test_the_pictures_do_not_depend_on_how_many_are_filled_at_a_time(pixels, monkeypatch):
    wanted = gaf(draw())
    monkeypatch.setattr(gaf_module, "PIXELS", pixels)
    assert torch.equal(gaf(draw()), wanted)


def test_no_windows_give_no_pictures_and_one_sample_a_black_one():
    assert gaf(torch.zeros(0, 8, 3)).shape == (0, 3, 8, 8)
    assert gaf(torch.ones(2, 1, 3)).tolist() == torch.zeros(2, 3, 1, 1).tolist()


def test_pictures_are_data_to_a_gradient():
    x = draw().requires_grad_()
    assert not gaf(x).requires_grad
    assert not GramianAngularField(32, 32)(x).requires_grad


@KINDS
def test_the_layer_equals_the_function(kind):
    torch.testing.assert_close(GramianAngularField(32, 32, kind)(draw()), gaf(draw(), kind))


@KINDS
@pytest.mark.parametrize("size", [8, 16, 64])
def test_the_layer_averages_as_pyts_does(kind, size, reference):
    x = draw(samples=64)
    pictures = GramianAngularField(64, size, kind)(x)
    torch.testing.assert_close(pictures.double(), reference(x, kind, size), atol=1e-5, rtol=0)


def test_the_layer_has_nothing_to_learn_or_to_save():
    assert not GramianAngularField(32, 16).state_dict()


@pytest.mark.parametrize(
    ("x", "kind", "sentence"),
    [
        (torch.zeros(32, 3), "summation", r"windows are torch.float32 \(32, 3\); give floats of shape"),
        (torch.zeros(1, 32, 3, dtype=torch.int16), "summation", r"windows are torch.int16"),
        (
            torch.zeros(1, 32, 3),
            "sum",
            r"no Gramian angular field called 'sum'; give summation or difference",
        ),
    ],
)
def test_bad_windows_and_kinds_are_refused(x, kind, sentence):
    with pytest.raises(ValueError, match=sentence):
        gaf(x, kind)


@pytest.mark.parametrize(
    "out",
    [
        torch.zeros(4, 3, 32, 31),
        torch.zeros(4, 3, 32, 32).double(),
        torch.zeros(4, 32, 32, 3).permute(0, 3, 1, 2),
    ],
)
def test_a_buffer_that_does_not_fit_is_refused(out):
    with pytest.raises(ValueError, match=r"give a contiguous torch.float32 \(4, 3, 32, 32\)"):
        gaf(draw(), out=out)


@pytest.mark.parametrize("size", [0, -1, 30, 64])
def test_a_size_that_does_not_divide_the_window_is_refused(size):
    with pytest.raises(
        ValueError, match=f"a window of 32 samples cannot be averaged into {size} equal pieces"
    ):
        GramianAngularField(32, size)


def test_another_kind_is_refused_by_the_layer():
    with pytest.raises(ValueError, match="give summation or difference"):
        GramianAngularField(32, 16, "sum")
