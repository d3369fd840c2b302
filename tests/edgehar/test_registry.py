import re

import pytest

from edgehar.errors import InputError
from edgehar.registry import check, load

NAMES = ("acc-watch", "acc-micro", "depth")


def test_a_name_that_is_there_is_returned():
    assert check("student", "depth", NAMES) == "depth"
    assert check("student", "depth", iter(NAMES)) == "depth"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("acc-wach", "No student called 'acc-wach'. Did you mean 'acc-watch'? All names: edgehar ls"),
        ("qqqq", "No student called 'qqqq'. All names: edgehar ls"),
        ("", "No student called ''. All names: edgehar ls"),
    ],
)
def test_a_wrong_name_is_one_sentence_with_the_nearest(typed, sentence):
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        check("student", typed, NAMES)


def test_load_imports_what_is_named():
    from edgehar.losses.cross_entropy import cross_entropy

    assert load("edgehar.losses.cross_entropy:cross_entropy") is cross_entropy


@pytest.mark.parametrize("target", ["edgehar.losses.cross_entropy:nothing", "edgehar.no_such:thing"])
def test_a_table_that_names_what_is_not_there_is_a_bug(target):
    with pytest.raises((AttributeError, ModuleNotFoundError)):
        load(target)
