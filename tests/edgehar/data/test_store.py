import json
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from edgehar.data.clip import Clip
from edgehar.data.prepare import silent
from edgehar.data.store import CHUNK, load, write_rows
from edgehar.errors import InputError

CLIPS = tuple(Clip(f"c{number}", 0, "1", "1", {}) for number in range(3 * CHUNK + 5))
OFFSETS = np.arange(len(CLIPS) + 1) * 2  # two rows a clip
WANTED = np.arange(2 * len(CLIPS), dtype=np.float32)[:, None] * np.ones(4, np.float32)


@dataclass
class Maker:
    """Row r holds r. Fails before the chunk `fails`; other shapes in the chunk `odd`."""

    fails: int | None = None
    odd: int | None = None
    error: type[BaseException] = KeyboardInterrupt
    made: int = 0

    def rows(self, chunk):
        if chunk.number == self.fails:
            raise self.error("no")
        self.made += 1
        width = 5 if chunk.number == self.odd else 4
        count = 2 * len(chunk.clips)
        values = [np.full(width, chunk.row + row, np.float32) for row in range(count)]
        return values, [clip.id for clip in chunk.clips]

    def agree(self, said):
        assert len(said) == len(set(said))


def write(path, maker, jobs=None):
    return write_rows(path, CLIPS, OFFSETS, maker, silent, "Making", jobs)


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_every_row_is_in_its_place_and_nothing_else_is_left(tmp_path, jobs):
    assert write(tmp_path / "a.npy", Maker(), jobs) == [clip.id for clip in CLIPS]
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), WANTED)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_an_interruption_it_goes_on_where_it_stopped(tmp_path, jobs):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.npy", Maker(fails=2), 1)
    assert load(tmp_path / "a.npy", len(WANTED)) is None
    assert {path.name for path in tmp_path.iterdir()} == {"a.npy.part", "a.npy.part.done"}
    again = Maker()
    assert write(tmp_path / "a.npy", again, jobs) == [clip.id for clip in CLIPS]
    assert again.made <= 2  # of four chunks; those of other processes are not counted here
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), WANTED)


def test_a_mark_that_was_cut_short_is_made_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.npy", Maker(fails=2))
    marks = tmp_path / "a.npy.part.done"
    marks.write_text(marks.read_text()[:-9])
    again = Maker()
    write(tmp_path / "a.npy", again)
    assert again.made == 3
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), WANTED)


def test_of_other_rows_nothing_is_taken_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.npy", Maker(fails=2))
    marks = tmp_path / "a.npy.part.done"
    head, *lines = marks.read_text().splitlines()
    marks.write_text("\n".join([json.dumps({**json.loads(head), "rows": 7}), *lines]) + "\n")
    again = Maker()
    write(tmp_path / "a.npy", again)
    assert again.made == 4


@pytest.mark.parametrize("maker", [Maker(fails=2, error=InputError), Maker(odd=2)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_cannot_be_used_is_said_and_nothing_is_kept(tmp_path, maker, jobs):
    with pytest.raises(InputError, match=r"^no$|differs in shape"):
        write(tmp_path / "a.npy", maker, jobs)
    assert list(tmp_path.iterdir()) == []


def test_two_that_want_the_same_array_do_the_work_once(tmp_path):
    class Slow(Maker):
        def rows(self, chunk):
            time.sleep(0.1)
            return super().rows(chunk)

    makers = [Slow(), Slow()]
    threads = [threading.Thread(target=write, args=(tmp_path / "a.npy", maker)) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(maker.made for maker in makers) == [0, 4]


def test_a_script_without_a_main_guard_is_served_all_the_same(tmp_path):
    """Its processes would run the script again: they stop, and the work is done in one."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import os
            from edgehar.data.clip import Clip, Recordings, Stream
            from edgehar.data.prepare import Shape, prepare
            from functools import partial
            import numpy as np

            os.environ["EDGEHAR_CACHE"] = "cache"

            def stream(value):
                return Stream(np.full((20, 3), value, np.float32), 50.0, "m/s^2")

            clips = tuple(Clip(str(n), 0, "1", "1", {"acc": partial(stream, n)}) for n in range(100))
            made = prepare(Recordings("script", ("one",), clips, {}), "acc", Shape(window=8), jobs=2)
            print(made[:, 0, 0].astype(int).tolist() == list(range(100)))
            """
        )
    )
    ended = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.splitlines()[-1] == "True", ended.stderr
