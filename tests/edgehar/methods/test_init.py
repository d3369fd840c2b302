import pytest

from edgehar.losses import LOSSES
from edgehar.methods import METHODS
from edgehar.models import TEACHERS
from edgehar.plan import SCHEDULES, check_weights
from edgehar.training.recipe import Recipe


@pytest.mark.parametrize("name", METHODS)
def test_every_method_names_what_there_is(name):
    method = METHODS[name]
    assert method.name == name
    assert method.teachers
    assert set(method.teachers) <= set(TEACHERS)
    assert method.loss in LOSSES
    assert method.schedule in SCHEDULES
    assert method.paper
    check_weights(method.loss, method.weights, Recipe(epochs=1))
