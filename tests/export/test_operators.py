import pytest

from export.errors import ExportError
from export.operators import NamedOperator, find_operators, name_operators


@pytest.fixture(scope="module")
def named(conv_tflite, conv_student):
    return name_operators(conv_tflite, conv_student)


def test_operators_are_called_after_the_students_own_modules(named, conv_student):
    names = [operator.name for operator in named]
    assert names == [
        "reshape", "normalise", "stem.3", "blocks.0.3", "blocks.0.6", "blocks.1.3", "blocks.1.6",
        "average_pool_2d", "fc", "softmax",
    ]  # fmt: skip
    for name in names[1:7]:
        conv_student.get_submodule(name)


def test_a_merged_operator_knows_all_its_modules(named):
    (stem,) = [operator for operator in named if operator.name == "stem.3"]
    assert {"stem.0", "stem.1", "stem.3"} <= set(stem.modules)
    assert stem.type == "CONV_2D" and len(stem.inputs) == 1


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("fc", ["fc"]),
        ("FULLY_CONNECTED", ["fc"]),
        ("stem.1", ["stem.3"]),
        ("blocks.1", ["blocks.1.3", "blocks.1.6"]),
        ("softmax", ["softmax"]),
    ],
)
def test_a_name_a_type_or_a_module_means_operators(word, found, named):
    assert [operator.name for operator in find_operators(named, [word])] == found


def test_an_unknown_name_gets_the_nearest(named):
    with pytest.raises(ExportError, match=r"called 'block\.0\.3'\. Did you mean 'blocks\.0\.3'"):
        find_operators(named, ["fc", "block.0.3"])


def test_a_module_is_not_meant_by_the_beginning_of_its_name():
    operator = NamedOperator("blocks.10", "CONV_2D", "t", (), ("blocks.10",))
    assert operator.is_called("blocks") and not operator.is_called("blocks.1")
