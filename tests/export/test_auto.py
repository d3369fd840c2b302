from export.audit import OperatorReport
from export.auto import take_out
from export.held_back import HeldBack
from export.operators import NamedOperator
from export.quantize import KeptFloat

NAMED = tuple(NamedOperator(name, "CONV_2D", f"t/{name}", (), ()) for name in "abc")


def operator(name, added, quantised=True):
    return OperatorReport(0, name, "CONV_2D", "int8", "int8", quantised, None, 20.0, added, 0.1, 0, 0.0, 1.0)


def attempts(cure, noise):
    """Quantising loses 4 points until all of `cure` are in float."""

    def attempt(kept):
        lost = 0 if cure <= set(kept.taken) else 4
        held = HeldBack(100, 5, True, 0.9, 0.9 - lost / 100, 0.95)
        return held, tuple(operator(n, noise[n], f"t/{n}" not in kept.taken) for n in "abc")

    return attempt


def test_the_worst_is_taken_out_first_until_it_is_enough():
    kept, report = take_out(
        attempts({"t/b", "t/a"}, {"a": 0.2, "b": 0.5, "c": 0.1}), NAMED, KeptFloat(parts=("p",))
    )
    assert kept == KeptFloat(parts=("p",), taken=("t/b", "t/a"))
    assert report.reached and [step.taken_out for step in report.steps] == [None, "b", "a"]
    assert [round(step.lost_points, 6) for step in report.steps] == [4, 4, 0]


def test_nothing_is_taken_out_where_nothing_is_lost():
    kept, report = take_out(attempts(set(), {"a": 0.2, "b": 0.5, "c": 0.1}), NAMED, KeptFloat())
    assert kept == KeptFloat() and report.reached and len(report.steps) == 1


def test_it_ends_where_nothing_helps():
    kept, report = take_out(attempts({"t/none"}, {"a": 0.2, "b": 0.5, "c": 0.1}), NAMED, KeptFloat())
    assert not report.reached and kept.taken == ("t/b", "t/a", "t/c")
