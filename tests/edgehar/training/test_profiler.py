import pytest

from edgehar.training.profiler import Untimed


def test_contexts_may_lie_in_one_another_and_pass_on_what_is_raised():
    profiler = Untimed()
    with pytest.raises(KeyError), profiler.profile("outer"), profiler.profile("inner"):
        raise KeyError
    with profiler.profile("again"):
        pass


def test_nothing_is_kept_or_told():
    profiler = Untimed()
    profiler.start("step")
    profiler.stop("step")
    assert profiler.summary() == ""
