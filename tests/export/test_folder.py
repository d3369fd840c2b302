import os
import signal
import subprocess
import sys
import textwrap

import pytest

import export.folder
from export.folder import replaced_folder, restore


def fill(folder, text):
    (folder / "model").write_text(text)


@pytest.fixture(params=["exchange", "two renames"])
def target(request, tmp_path, monkeypatch):
    """An old folder, on a system that swaps names in one step and on one that does not."""
    if request.param == "two renames":
        monkeypatch.setattr(export.folder, "_exchange", lambda one, other: False)
    old = tmp_path / "export"
    old.mkdir()
    fill(old, "old")
    (old / "more").write_text("old")
    return old


def test_the_new_folder_takes_the_place_of_the_old(target):
    with replaced_folder(target) as new:
        fill(new, "new")
        assert (target / "model").read_text() == "old"
    assert [path.name for path in target.iterdir()] == ["model"]
    assert (target / "model").read_text() == "new"
    assert os.listdir(target.parent) == ["export"]


def test_without_an_old_folder_the_new_one_is_simply_there(tmp_path):
    with replaced_folder(tmp_path / "export") as new:
        fill(new, "new")
    assert (tmp_path / "export" / "model").read_text() == "new"
    assert os.listdir(tmp_path) == ["export"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_folder_whole(target, error):
    with pytest.raises(type(error)), replaced_folder(target) as new:
        fill(new, "half")
        raise error
    assert (target / "model").read_text() == "old"
    assert os.listdir(target.parent) == ["export"]


def test_an_error_while_swapping_leaves_the_old_folder_whole(target, monkeypatch):
    def fail(one, other):
        raise KeyboardInterrupt

    monkeypatch.setattr(export.folder, "_exchange", fail)
    with pytest.raises(KeyboardInterrupt), replaced_folder(target) as new:
        fill(new, "new")
    assert (target / "model").read_text() == "old"


def test_a_killed_program_leaves_the_old_folder_whole(target):
    code = f"""
        import os, signal, pathlib
        from export.folder import replaced_folder
        with replaced_folder(pathlib.Path({str(target)!r})) as new:
            (new / "model").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    root = os.path.dirname(os.path.dirname(export.folder.__file__))
    environment = {**os.environ, "PYTHONPATH": root}
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert (target / "model").read_text() == "old"
    assert len(os.listdir(target.parent)) == 2
    with replaced_folder(target) as new:
        fill(new, "new")
    assert os.listdir(target.parent) == ["export"]


def test_a_folder_set_aside_by_a_killed_program_comes_back(target):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    target.rename(target.with_name(f".export.{gone.pid}.old"))
    restore(target)
    assert (target / "model").read_text() == "old"
    assert os.listdir(target.parent) == ["export"]


def test_the_folder_of_a_program_that_still_runs_is_left_alone(target):
    other = target.with_name(f".export.{os.getppid()}.new")
    other.mkdir()
    strange = target.with_name(".export.mine.new")
    strange.mkdir()
    restore(target)
    assert other.is_dir() and strange.is_dir()
