import pytest
import torch

from edgehar.errors import InputError
from edgehar.losses import LOSSES, loss
from edgehar.losses.trial import settings, trial


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_works_with_its_own_defaults(name):
    known = settings(name)
    assert known["label_smoothing"] == 0
    trial(name, {})
    trial(name, known)


@pytest.mark.parametrize("name", LOSSES)
def test_settings_are_the_losss_keywords_but_not_what_training_fills(name):
    declared = loss(name).__kwdefaults__
    assert settings(name) == {keyword: value for keyword, value in declared.items() if value is not None}
    assert not {"projected", "regressed"} & set(settings(name))


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("dask", {"kdd": 1.0}, "The loss dask takes no 'kdd'; it takes ce, kd,"),
        ("dask", {"projected": 1.0}, "takes no 'projected'"),
        ("fitnet", {"regressed": 1.0}, "takes no 'regressed'"),
        ("at", {"at": -1.0}, "at=-1.0 is no weight: give a number that is 0 or more."),
        ("at", {"at": float("nan")}, "at=nan is no weight"),
        ("sp", {"sp": float("inf")}, "sp=inf is no weight"),
        ("sp", {"sp": "much"}, "sp=much is no weight"),
        ("st", {"tau": 0.0}, "The loss st cannot work with these weights: tau is 0.0"),
        ("rkd", {"ce": 0.0, "distance": 0.0, "angle": 0.0}, "every weight of rkd is 0"),
        ("logits", {"label_smoothing": 2.0}, "label_smoothing"),
        ("cc", {"order": 2.5}, "order is 2.5"),
        ("acs", {"gate": "lost"}, "gate is lost; it is correct or loss."),
        ("acs", {"gate": 1.0}, "gate is 1.0; it is correct or loss."),
    ],
)
def test_what_cannot_be_is_one_sentence(name, given, sentence):
    with pytest.raises(InputError) as error:
        trial(name, given)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "given"),
    [("acs", {"gate": "loss", "kd": 0.0}), ("cc", {"order": 3.0}), ("fitnet", {"fitnet": 0.0})],
)
def test_what_can_be_is_let_through(name, given):
    trial(name, given)


def test_an_unknown_loss_suggests_the_nearest():
    with pytest.raises(InputError, match="No loss called 'acc'"):
        settings("acc")


def test_random_numbers_are_left_alone():
    """A run is settled before it is seeded; trying its loss must not move what is drawn afterwards."""
    state = torch.get_rng_state()
    for name in LOSSES:
        trial(name, {})
    assert torch.equal(torch.get_rng_state(), state)
