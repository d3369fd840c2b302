import math
from collections import OrderedDict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgehar.training.checkpoint import PackedCheckpoint, pack, unpack

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    values = torch.randint(0, 200, shape, generator=generator).to(draw(st.sampled_from(DTYPES)))
    return values.T if values.dim() == 2 and draw(st.booleans()) else values


TREES = st.recursive(
    st.one_of(tensors(), st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.integers(), st.text()), inner, max_size=3),
    ),
    max_leaves=12,
)


def same(one, other):
    """Equal in kind, keys, order, dtypes, shapes and bits."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            same(mine, theirs)
    else:
        assert one == other


@given(st.dictionaries(st.text(), TREES, max_size=4))
def test_what_was_packed_is_unpacked(tree):
    same(unpack(pack(tree)), tree)


def trained():
    """A network and its optimiser after a step, as a checkpoint holds them."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
    network(torch.randn(8, 3)).square().sum().backward()
    optimiser.step()
    return network, optimiser


def checkpoint_of(network, optimiser):
    return {"epoch": 3, "state_dict": network.state_dict(), "optimizer_states": [optimiser.state_dict()]}


def test_a_file_gives_back_network_and_optimiser(tmp_path):
    checkpoint = checkpoint_of(*trained())
    PackedCheckpoint().save_checkpoint(checkpoint, tmp_path / "a.ckpt")
    same(PackedCheckpoint().load_checkpoint(tmp_path / "a.ckpt", weights_only=True), checkpoint)


def test_a_step_after_loading_is_the_step_without(tmp_path):
    network, optimiser = trained()
    PackedCheckpoint().save_checkpoint(checkpoint_of(network, optimiser), tmp_path / "a.ckpt")
    other, their_optimiser = trained()
    for parameter in other.parameters():
        parameter.data.zero_()
    loaded = PackedCheckpoint().load_checkpoint(tmp_path / "a.ckpt")
    other.load_state_dict(loaded["state_dict"])
    their_optimiser.load_state_dict(loaded["optimizer_states"][0])
    for one, by in ((network, optimiser), (other, their_optimiser)):
        by.zero_grad()
        torch.manual_seed(1)
        one(torch.randn(8, 3)).square().sum().backward()
        by.step()
    same(dict(other.state_dict()), dict(network.state_dict()))


def test_what_is_unpacked_has_memory_of_its_own():
    first, second = torch.zeros(2), torch.ones(2)
    told = unpack(pack({"a": first, "b": second}))
    told["a"].add_(5)
    assert told["b"].tolist() == [1, 1]
    assert first.tolist() == [0, 0]
    assert told["a"].untyped_storage().nbytes() == 8


def test_bits_stay_also_of_what_is_no_number():
    odd = torch.tensor([0.0, -0.0, math.nan, math.inf, 1e-45])
    told = unpack(pack({"a": odd}))["a"]
    assert torch.equal(told.view(torch.int32), odd.view(torch.int32))


def test_versions_in_a_state_dict_stay(tmp_path):
    state = nn.BatchNorm1d(2).state_dict()
    assert isinstance(state, OrderedDict)
    PackedCheckpoint().save_checkpoint({"state_dict": state}, tmp_path / "a.ckpt")
    told = PackedCheckpoint().load_checkpoint(tmp_path / "a.ckpt")["state_dict"]
    assert type(told) is OrderedDict
    assert told._metadata == state._metadata


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"tree": {"a": pytest.raises}, "flat": {}}, tmp_path / "a.ckpt")
    with pytest.raises(Exception, match=r"[Ww]eights"):
        PackedCheckpoint().load_checkpoint(tmp_path / "a.ckpt", weights_only=True)


def test_removing_what_is_not_there_is_no_error(tmp_path):
    (tmp_path / "a.ckpt").touch()
    for _ in range(2):
        PackedCheckpoint().remove_checkpoint(tmp_path / "a.ckpt")
    assert not (tmp_path / "a.ckpt").exists()
