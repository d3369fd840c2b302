import errno
import os

import numpy as np
import pytest
import typer
from safetensors import SafetensorError

from edgehar.cli.errors import sentence
from edgehar.errors import InputError

FULL = os.path.exists("/dev/full")


def raised(work):
    """The exception that `work` ends in."""
    with pytest.raises(Exception) as caught:
        work()
    return caught.value


def test_a_room_speaks_for_itself():
    assert sentence(InputError("a.csv is empty: add a row.")) == "a.csv is empty: add a row."


@pytest.mark.parametrize(
    "bug", [ValueError("x"), KeyError("x"), AssertionError(), FileNotFoundError(2, "x", "f")]
)
def test_a_bug_has_no_sentence(bug):
    assert sentence(bug) is None


def test_a_missing_package_names_the_doctor():
    error = raised(lambda: __import__("surely_not_installed"))
    assert sentence(error) == (
        "The package 'surely_not_installed' is not installed. What to type to get it: edgehar doctor"
    )


def test_a_missing_module_of_ours_is_a_bug():
    assert sentence(raised(lambda: __import__("edgehar.surely_not_written"))) is None


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_closed_folder_is_named(number):
    told = sentence(OSError(number, os.strerror(number), "/elsewhere/runs"))
    assert told is not None
    assert "/elsewhere/runs" in told
    assert told.endswith("choose another folder.")


def test_a_refusal_that_names_no_file_is_a_bug():
    assert sentence(OSError(errno.EPERM, "Operation not permitted")) is None


@pytest.mark.skipif(not FULL, reason="no /dev/full on this system")
def test_a_full_disk_under_numpy():
    def work():
        with open("/dev/full", "wb") as file:
            np.save(file, np.zeros(100_000))

    assert sentence(raised(work)).startswith("The disk is full while writing")


@pytest.mark.skipif(not FULL, reason="no /dev/full on this system")
def test_a_full_disk_under_a_text_file():
    def work():
        with open("/dev/full", "w") as file:
            file.write("x")

    assert sentence(raised(work)).startswith("The disk is full while writing")


def test_a_full_disk_under_safetensors():
    error = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert sentence(error).startswith("The disk is full while writing")


def test_a_full_disk_that_a_library_wrapped():
    def work():
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.ckpt")
        except OSError as error:
            raise RuntimeError("could not save") from error

    assert sentence(raised(work)) == (
        "The disk is full while writing a.ckpt: free some space and run the same command again."
    )


def test_a_wrong_option_names_the_help():
    assert (
        sentence(typer.BadParameter("too long"))
        == "edgehar: Invalid value: too long. All options: edgehar --help"
    )
