import os
import sys
import warnings

import pytest

from export.quiet import quiet


def chatter():
    print("from Python")
    print("to stderr", file=sys.stderr)
    os.write(1, b"from C\n")
    os.write(2, b"from C to stderr\n")
    warnings.warn("a warning", stacklevel=1)


def test_nothing_that_the_block_prints_is_seen(capfd):
    print("before")
    with quiet():
        chatter()
    print("after")
    seen = capfd.readouterr()
    assert seen.out == "before\nafter\n"
    assert seen.err == ""


def test_a_copy_of_stderr_goes_on(capfd):
    own = os.dup(2)
    with quiet():
        os.write(own, b"progress\n")
    os.close(own)
    assert capfd.readouterr().err == "progress\n"


def test_a_bug_carries_what_was_said():
    with pytest.raises(ZeroDivisionError) as caught, quiet():
        chatter()
        1 / 0  # noqa: B018
    (note,) = caught.value.__notes__
    assert "from C to stderr" in note and "from Python" in note


def test_an_error_in_silence_carries_no_note():
    with pytest.raises(ZeroDivisionError) as caught, quiet():
        1 / 0  # noqa: B018
    assert not hasattr(caught.value, "__notes__")
