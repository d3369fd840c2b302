import errno
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.cache import cache_dir, fingerprint, write_atomic, write_text


def test_the_environment_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    assert not cache_dir().exists()
    monkeypatch.setenv("EDGEHAR_CACHE", "~/mine")
    assert cache_dir() == Path.home() / "mine"


def test_without_it_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGEHAR_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir().name == "edgehar"
    assert tmp_path in cache_dir().parents


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(JSON, JSON)
def test_fingerprints_differ_where_keys_differ(one, other):
    def typed(value):  # 1, 1.0 and True are equal to Python and different to JSON
        if isinstance(value, list):
            return [typed(item) for item in value]
        if isinstance(value, dict):
            return {key: typed(item) for key, item in value.items()}
        return repr(value)

    assert (fingerprint(one) == fingerprint(other)) == (typed(one) == typed(other))


def test_a_fingerprint_does_not_change_with_the_order_of_a_mapping_or_between_versions():
    assert fingerprint({"b": 1, "a": [2, None]}) == fingerprint({"a": [2, None], "b": 1})
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2d"  # sha256 of {"a":1}: caches outlive a session


def test_a_file_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "text.txt"
    write_text(path, "größer\n")
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert [p.name for p in path.parent.iterdir()] == ["text.txt"]


def test_the_writers_file_keeps_the_ending_that_some_writers_look_at(tmp_path):
    seen = []
    write_atomic(tmp_path / "file.npz", lambda part: (seen.append(part), part.touch()))
    assert seen[0].suffix == ".npz"
    assert seen[0].parent == tmp_path


def test_an_old_file_is_replaced(tmp_path):
    write_text(tmp_path / "a", "old")
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_whatever_is_raised_the_old_file_is_whole_and_nothing_else_is_left(tmp_path, raised, old):
    path = tmp_path / "a"
    if old is not None:
        path.write_text(old)

    def writer(part):
        part.write_text("half of the n")
        raise raised

    with pytest.raises(raised):
        write_atomic(path, writer)
    assert [p.name for p in tmp_path.iterdir()] == (["a"] if old else [])
    assert old is None or path.read_text() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    """/dev/full answers every write as a full disk does."""
    path = tmp_path / "a"
    path.write_text("old")

    def writer(part):
        part.symlink_to("/dev/full")
        part.write_text("new")

    with pytest.raises(OSError) as error:
        write_atomic(path, writer)
    assert error.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_fills_up_while_flushing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr("edgehar.cache.os.fsync", full)
    with pytest.raises(OSError):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_nobody_sees_half_a_file(tmp_path):
    """A reader that looks all the time sees the old text or the new one."""
    path, texts = tmp_path / "a", ["a" * 100_000, "b" * 100_000]
    write_text(path, texts[0])
    done = threading.Event()

    def write():
        for number in range(40):
            write_text(path, texts[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_text())
    writer.join()
    assert seen <= set(texts)
