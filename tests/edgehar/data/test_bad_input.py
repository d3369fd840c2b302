"""Bad input, a row each: what is refused is refused in one sentence that names file or line and a way out,
and what is merely written in another way is read."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from edgehar.data.choose import check_labels, check_streams, choose_streams
from edgehar.data.manifest import REQUIRED
from edgehar.data.prepare import Shape, prepare
from edgehar.data.source import divide, open_recordings
from edgehar.errors import InputError

HEADER = ",".join(REQUIRED)
T = np.arange(100) / 50  # s
WAVE = np.c_[np.sin(T), np.cos(T), 9.8 + 0 * T].round(6)
TIMED = np.c_[T, WAVE]


def table(values=WAVE, *, header=None, form="%.6f", delimiter=",") -> str:
    text = io.StringIO()
    np.savetxt(text, values, form, delimiter, header=header or "", comments="")
    return text.getvalue().removeprefix("" if header else "\n")


def npy(values) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def mat(**arrays) -> bytes:
    file = io.BytesIO()
    savemat(file, arrays)
    return file.getvalue()


def dated(form="2022-07-20 15:06:{:06.3f}") -> str:
    return "".join(f"{form.format(t)},{','.join(map(str, row))}\n" for t, row in zip(T, WAVE, strict=True))


def broken(row: int, line: str) -> str:
    lines = table(TIMED).splitlines(keepends=True)
    lines[row - 1] = line
    return "".join(lines)


def manifest(folder: Path, file="a.csv", content=None, more=(), text=None, **cells) -> Path:
    """One clip's manifest beside its file; `more` rows and files, or another text altogether."""
    path = folder / "clips.csv"
    write(folder / file, table(TIMED) if content is None else content)
    row = {"clip": "c", "label": "walk", "subject": "s", "trial": "1", "stream": "acc", "path": file}
    row |= {"rate_hz": "", "unit": "m/s^2"} | cells
    rows = [",".join(row), ",".join(row.values())]
    for line, name, held in more:
        rows.append(line)
        write(folder / name, held)
    path.write_text("\n".join(rows) + "\n" if text is None else text, encoding="utf-8")
    return path


def film(frames: int) -> bytes:
    """A video of 25 pictures a second; of no frames only a header."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()  # writes the header, even if nothing follows
        for number in range(frames):
            picture = np.full((48, 64, 3), 10 + number % 200, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode())
    return file.getvalue()


def write(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content() if callable(content) else content
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8", newline="")
    else:
        path.write_bytes(content)


def read_all(path: Path):
    """Everything that training reads: every stream of every clip."""
    recordings = open_recordings(str(path))
    return [{name: read() for name, read in clip.streams.items()} for clip in recordings.clips]


ROW = "c,walk,s,1,acc,a.csv,,m/s^2"
SECOND = "d,run,t,1,acc,b.csv,,m/s^2", "b.csv", table(TIMED)

# What is wrong with the manifest, and a part of what is said.
MANIFESTS = {
    "empty": ({"text": ""}, r"lacks the column clip"),
    "a header alone": ({"text": HEADER + "\n"}, r"names no recording.*edgehar data scan"),
    "no header": ({"text": ROW + "\n"}, r"line 1: no column is called"),
    "a misspelt column": ({"text": f"{HEADER.replace('label', 'lable')}\n{ROW}\n"}, "did you mean label"),
    "a column less": (
        {"text": "clip,label,subject,path\nc,walk,s,a.csv\n"},
        "lacks the column trial, stream",
    ),
    "a column twice": ({"text": f"{HEADER},clip\n{ROW},c\n"}, "names the column clip twice"),
    "a row cut short": ({"text": f"{HEADER}\n{ROW}\nd,run\n"}, r"line 3 has 2 columns"),
    "a comma in a label": (
        {"text": f"{HEADER}\nc,sit, then stand,s,1,acc,a.csv,,g\n"},
        "line 2 .*between quotes",
    ),
    "a quote left open": ({"text": f'{HEADER}\n"c,walk,s,1,acc,a.csv,,m/s^2\n'}, "no CSV text"),
    "no clip": ({"clip": ""}, "line 2: clip is empty"),
    "no label": ({"label": ""}, "line 2: label is empty"),
    "no subject": ({"subject": " "}, "line 2: subject is empty"),
    "no path": ({"path": ""}, "line 2: path is empty"),
    "an unknown stream": ({"stream": "ecg"}, r"no stream is called 'ecg'.*acc, gyro"),
    "a misspelt stream": ({"stream": "depht"}, "did you mean depth"),
    "a place without a name": ({"stream": "acc."}, r"no stream is called 'acc\.'"),
    "an unknown unit": ({"unit": "furlong"}, r"'furlong' is no unit of acc: write one of m/s\^2, g"),
    "no unit": ({"unit": ""}, "acc has no unit: write one of"),
    "counts without a scale": ({"unit": "counts"}, r"how much a count is.*1/16384 g"),
    "a scale of nothing": ({"unit": "0 g"}, "scale of '0 g' is no number above 0"),
    "a scale by nothing": ({"unit": "1/0 g"}, "scale of '1/0 g'"),
    "another modality's unit": (
        {"stream": "gyro", "unit": "g"},
        "'g' is no unit of gyro: write one of rad/s",
    ),
    "text for a rate": ({"rate_hz": "fast"}, "'fast' is no rate: write Hz"),
    "a rate of 0": ({"rate_hz": "0"}, "'0' is no rate"),
    "a rate below 0": ({"rate_hz": "-50"}, "'-50' is no rate"),
    "a rate of nan": ({"rate_hz": "nan"}, "'nan' is no rate"),
    "a file that is not there": ({"path": "b.csv"}, r"line 2: .*b\.csv does not exist: correct the path"),
    "a folder for a file": ({"path": "."}, "is a folder: name the file"),
    "a file below a file": ({"path": "a.csv/b.csv"}, "cannot be reached .*correct the path"),
    "an empty file": ({"content": ""}, r"line 2: .*a\.csv is empty"),
    "two clips with one name": (
        {"more": [("c,run,t,1,gyro,b.csv,,rad/s", "b.csv", table(TIMED))]},
        "line 3: clip 'c' has the label 'run', and in line 2 'walk'",
    ),
    "one clip of two subjects": (
        {"more": [("c,walk,t,1,gyro,b.csv,,rad/s", "b.csv", table(TIMED))]},
        "line 3: clip 'c' has the subject 't'",
    ),
    "one stream twice": (
        {"more": [("c,walk,s,1,acc,b.csv,,m/s^2", "b.csv", table(TIMED))]},
        "line 3: clip 'c' has acc in line 2 already",
    ),
    "an unknown unit of time": ({"time_unit": "min"}, "'min' is no unit of time: write one of s, ms"),
    "a start that is no time": ({"start": "noon"}, "line 2: start: 'noon'"),
}

GAP = np.r_[T[:50], T[50:] + 3]
# What is wrong with a stream's file, and a part of what is said.
FILES = {
    "text in a number column": (
        {"content": broken(7, "0.12,0.1,fall,9.8\n")},
        r"a\.csv line 7: column 3 holds 'fall'",
    ),
    "text below a header": (
        {"content": "t,x,y,z\n0,1,1,1\n0.02,1,oops,1\n0.04,1,1,1\n"},
        "line 3: y holds 'oops'.*correct it",
    ),
    "a header alone": ({"content": "t,x,y,z\n"}, "holds a header and no row"),
    "blank lines alone": ({"content": "\n\n  \n"}, "is empty"),
    "cut within the last row": ({"content": table(TIMED) + "2.00,0.1"}, "line 101 has 2 columns"),
    "a row too long": ({"content": broken(9, "0.16,1,2,3,4\n")}, "line 9 has 5 columns, and the first row 4"),
    "one sample": ({"content": "0,1,2,3\n"}, "one sample, and a movement needs two"),
    "two columns": ({"content": table(WAVE[:, :2])}, "has 2 columns and no header"),
    "five columns without a header": (
        {"content": table(np.c_[TIMED, T])},
        "name others in the manifest's column",
    ),
    "columns that cannot be told": (
        {"content": table(np.c_[TIMED, T], header="t,p,q,r,s")},
        "x, y and z of acc cannot be told",
    ),
    "a picture": ({"content": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))}, "is no text"),
    "another encoding": ({"content": "t,x,y,z°\n0,1,1,1\n".encode("latin-1")}, "is no text.*UTF-8"),
    "neither times nor a rate": ({"content": table()}, "no time column: state rate_hz"),
    "time that stands still": ({"content": table(np.c_[0 * T + 5, WAVE])}, "does not go forward"),
    "time that runs backward": ({"content": table(np.c_[-T, WAVE])}, "does not go forward"),
    "microseconds stated as seconds": (
        {"content": table(np.c_[T * 1e6, WAVE]), "time_unit": "s"},
        "if these are us, write us",
    ),
    "seconds stated as microseconds": (
        {"content": table(TIMED), "time_unit": "us"},
        "if these are s, write s",
    ),
    "sample numbers without a rate": ({"content": table(np.c_[T * 50, WAVE])}, "steps by exactly 1"),
    "a day that is none": (
        {"content": dated().replace("2022-07-20 15:06:00.100", "2022-02-30 15:06:00.100")},
        "sample 6.*no date-time",
    ),
    "text for a time": ({"content": dated("{:.2f}s")}, "holds|is no time|cannot be told"),
    "a date among the values": (
        {"content": table(TIMED).replace("9.800000", "2022-07-20 15:06:00")},
        "column 4 holds date-times",
    ),
    "no value at all": ({"content": "t,x,y,z\n" + "".join(f"{t},,,\n" for t in T)}, "holds 0 whole samples"),
    "a long pause": ({"content": table(np.c_[GAP, WAVE])}, r"pauses for 3\.02 s at 0\.98 s.*cut the clip"),
    "a long time without values": (
        {"content": "".join(f"{t},{'nan' if 20 < i < 90 else 1},0,9.8\n" for i, t in enumerate(T))},
        "has no values for 1.40 s",
    ),
    "an array cut short": ({"file": "a.npy", "content": npy(WAVE)[:-100], "rate_hz": "50"}, "no NumPy array"),
    "text called an array": ({"file": "a.npy", "content": "1,2,3\n", "rate_hz": "50"}, "no NumPy array"),
    "an array of objects": (
        {"file": "a.npy", "content": npy(np.array([{}, {}])), "rate_hz": "50"},
        "no NumPy array",
    ),
    "an array of words": (
        {"file": "a.npy", "content": npy(np.array(["a"])), "rate_hz": "50"},
        "no real numbers",
    ),
    "an array of nothing": ({"file": "a.npy", "content": npy(np.empty((0, 3))), "rate_hz": "50"}, "is empty"),
    "an array of another shape": (
        {"file": "a.npy", "content": npy(np.ones((9, 3, 3))), "rate_hz": "50"},
        r"shape \(9, 3, 3\), expected",
    ),
    "an array of two columns": (
        {"file": "a.npy", "content": npy(np.ones((9, 2))), "rate_hz": "50"},
        "has 2 columns",
    ),
    "an array without a rate": ({"file": "a.npy", "content": npy(WAVE)}, "no time column: state rate_hz"),
    "text called MATLAB": (
        {"file": "a.mat", "content": "x", "rate_hz": "50"},
        "cannot be read as a MATLAB file",
    ),
    "two arrays in MATLAB": (
        {"file": "a.mat", "content": mat(one=WAVE, two=WAVE), "rate_hz": "50"},
        "must hold one array and holds one, two",
    ),
    "a spreadsheet": ({"file": "a.xlsx", "content": "PK"}, r"cannot be read from \.xlsx: give it as \.csv"),
    "names for too few columns": ({"columns": "x y z"}, "has 4 columns, and the manifest names 3"),
    "a joint and a half": (
        {"stream": "skeleton", "unit": "m", "rate_hz": "30", "content": table(np.c_[WAVE, WAVE[:, :2]])},
        "3 a joint",
    ),
    "a joint long lost": (
        {
            "stream": "skeleton",
            "unit": "m",
            "rate_hz": "30",
            "content": table(np.c_[WAVE + 1, np.where(np.arange(100)[:, None] % 60 > 20, 0, WAVE + 1)]),
        },
        r"joint 2 of the skeleton is missing from frame",
    ),
    "a skeleton in millimetres of no unit": (
        {"stream": "skeleton", "unit": "", "rate_hz": "30"},
        "has no unit",
    ),
    "text called a video": (
        {"file": "a.mp4", "stream": "rgb", "unit": "", "content": "x" * 99},
        "cannot be decoded",
    ),
    "a video without frames": (
        {"file": "a.mp4", "stream": "rgb", "unit": "", "content": partial(film, 0)},
        "holds no video frame|cannot be decoded as video",
    ),
    "a video of one frame": (
        {"file": "a.mp4", "stream": "rgb", "unit": "", "content": partial(film, 1)},
        "has 1 frame, and a movement needs two",
    ),
    "depth as a video": (
        {"file": "a.mp4", "stream": "depth", "unit": "mm", "content": "x"},
        r"give it as \.npy",
    ),
    "colour that is no uint8": (
        {
            "file": "a.npy",
            "stream": "rgb",
            "unit": "",
            "rate_hz": "30",
            "content": npy(np.ones((9, 4, 4, 3))),
        },
        "of float64, expected",
    ),
    "depth without a rate": (
        {"file": "a.npy", "stream": "depth", "unit": "mm", "content": npy(np.ones((9, 4, 4)))},
        "state rate_hz",
    ),
    "one frame": (
        {
            "file": "a.npy",
            "stream": "depth",
            "unit": "mm",
            "rate_hz": "30",
            "content": npy(np.ones((1, 4, 4))),
        },
        "has 1 frame",
    ),
    "streams of different days": (
        {"more": [("c,walk,s,1,gyro,b.csv,,rad/s", "b.csv", table(np.c_[T + 9e5, WAVE]))]},
        r"acc \(clips\.csv line 2\) runs|gyro \(clips\.csv line 3\) runs",
    ),
    "streams of different clocks": (
        {"more": [("c,walk,s,1,gyro,b.csv,,rad/s", "b.csv", table(np.c_[T + 1.6e9, WAVE], form="%.3f"))]},
        "their clocks differ: state in the manifest's column `start`",
    ),
}


def one_sentence(text: str) -> None:
    """No traceback, no second line, a way out behind a colon or a semicolon, and an end."""
    assert "\n" not in text.strip() and "Traceback" not in text
    assert text.strip().endswith((".", "?", "..."))
    assert re.search(r"[:;?] ", text), text


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_is_refused_in_a_sentence(tmp_path, edgehar, kind):
    """Through the command line, which ends with 2 and prints nothing else."""
    given, said = MANIFESTS[kind]
    path = manifest(tmp_path, **given)
    ended = edgehar("data", "check", path)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert re.search(said, ended.stderr), ended.stderr
    assert "clips.csv" in ended.stderr
    one_sentence(ended.stderr)


@pytest.mark.parametrize("kind", FILES)
def test_a_stream_is_refused_in_a_sentence(tmp_path, kind):
    given, said = FILES[kind]
    path = manifest(tmp_path, **given)
    with pytest.raises(InputError) as caught:
        read_all(path)
    assert re.search(said, str(caught.value)), caught.value
    assert (
        given.get("file", "a.csv") in str(caught.value)
        or "Clip c" in str(caught.value)
        or "clips.csv" in str(caught.value)
    )
    one_sentence(str(caught.value))


def test_there_are_sixty_kinds():
    assert len(MANIFESTS) + len(FILES) + len(OTHERS) + len(FOUND) + len(TRAINING) >= 60


def broken_link(folder):
    (folder / "b.csv").symlink_to(folder / "gone.csv")
    return manifest(folder, path="b.csv")


def link_in_a_circle(folder):
    (folder / "b.csv").symlink_to(folder / "b.csv")
    return manifest(folder, path="b.csv")


def latin(folder):
    path = manifest(folder)
    path.write_bytes(path.read_bytes().replace(b"walk", "Überholen".encode("latin-1")))
    return path


OTHERS = {
    "a link to nothing": (broken_link, "is a link to a missing file"),
    "a link in a circle": (link_in_a_circle, "cannot be reached"),
    "a manifest of another encoding": (latin, "save it as CSV in UTF-8"),
    "a folder for a manifest": (lambda folder: folder, "is a folder: write its manifest"),
    "no such manifest": (lambda folder: folder / "gone.csv", r"gone\.csv does not exist"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_manifest_is_said(tmp_path, edgehar, kind):
    make, said = OTHERS[kind]
    ended = edgehar("data", "check", make(tmp_path))
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert re.search(said, ended.stderr), ended.stderr
    one_sentence(ended.stderr)


def test_a_file_that_may_not_be_read_is_said():
    """As somebody who is not root: root may read everything."""
    folder = Path(tempfile.mkdtemp())  # not below tmp_path, which is closed to others
    try:
        folder.chmod(0o755)
        path = manifest(folder)
        (folder / "a.csv").chmod(0)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(InputError) as caught:
                read_all(path)
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
    finally:
        shutil.rmtree(folder)
    assert re.search(r"line 2: .*a\.csv cannot be read .*: change its permissions", str(caught.value))
    one_sentence(str(caught.value))


# What is no error of a file, and what `data check` says of it.
FOUND = {
    "a video shorter than its sensor": (
        {"more": [("c,walk,s,1,rgb,b.mp4,,", "b.mp4", partial(film, 30))]},
        r"acc and rgb differ by more than a tenth in length: is the video cut\?",
    ),
    "a label in only one part": ({"more": [SECOND]}, "cross-subject tests 'run' and never trains it"),
    "one recording as two clips": (
        {"more": [("d,walk,t,1,acc,b.csv,,m/s^2", "b.csv", table(TIMED))]},
        "acc is the same in train and test of cross-subject: remove one of each",
    ),
    "a saturated axis": (
        {"content": table(np.c_[T, np.clip(20 * WAVE[:, :2], -15, 15), WAVE[:, 2]])},
        "stands at its greatest value",
    ),
    "an axis that never changes": ({"content": table(np.c_[T, 0 * T, WAVE[:, 1:]])}, "never changes"),
}


@pytest.mark.parametrize("kind", FOUND)
def test_what_spoils_training_is_found(tmp_path, edgehar, kind):
    given, said = FOUND[kind]
    ended = edgehar("data", "check", manifest(tmp_path, **given), "--json")
    assert re.search(said, "\n".join(finding["what"] for finding in json.loads(ended.stdout)["findings"]))


UTF16 = table(TIMED, header="t,x,y,z").encode("utf-16")
COMMAS = table(TIMED, delimiter=";").replace(".", ",")
# The same hundred samples, written in other ways.
READ = {
    "t, x, y, z without a header": {},
    "a header": {"content": table(TIMED, header="t,x,y,z")},
    "a header in another order": {"content": table(TIMED[:, [3, 2, 1, 0]], header="z,y,x,time")},
    "a phone app's header": {
        "content": table(
            np.c_[T * 1e3 + 1.6e12, T, WAVE[:, ::-1]], header="time,seconds_elapsed,z,y,x", form="%.4f"
        )
    },
    "names that say nothing": {"content": table(TIMED, header="t,north,east,up")},
    "a unit in the header": {"content": table(np.c_[T * 1e6, WAVE], header="t (us),ax,ay,az")},
    "two sensors in one file": {"content": table(np.c_[TIMED, WAVE * 0], header="t,ax,ay,az,gx,gy,gz")},
    "times last": {"content": table(np.c_[WAVE, T], delimiter=" "), "columns": "x y z t"},
    "a column that is not wanted": {"content": table(np.c_[T, WAVE, T]), "columns": "t x y z -"},
    "semicolons and decimal commas": {"content": COMMAS},
    "tabs": {"content": table(TIMED, delimiter="\t")},
    "spaces": {"content": table(TIMED, delimiter="  ")},
    "a byte order mark": {"content": b"\xef\xbb\xbf" + table(TIMED, header="t,x,y,z").encode()},
    "sixteen bits a letter": {"content": UTF16},
    "Windows' line ends": {"content": table(TIMED, header="t,x,y,z").replace("\n", "\r\n")},
    "comments and blank lines": {"content": "# from my watch\n" + table(TIMED).replace("\n", "\n\n", 3)},
    "no last line end": {"content": table(TIMED).rstrip()},
    "quotes": {"content": '"t","x","y","z"\n' + table(TIMED)},
    "milliseconds": {"content": table(np.c_[T * 1e3, WAVE])},
    "microseconds": {"content": table(np.c_[T * 1e6, WAVE])},
    "nanoseconds since 1970": {"content": table(np.c_[T * 1e9 + 1.6e18, WAVE], form="%.8f")},
    "date-times": {"content": dated()},
    "MMAct's date-times": {"content": dated("20181016_13:37:{:09.6f}").replace("\n", "\r\n")},
    "a time of day": {"content": dated("15:06:{:06.3f}")},
    "no times, but a rate": {"content": table(), "rate_hz": "50"},
    "sample numbers and a rate": {"content": table(np.c_[T * 50, WAVE]), "rate_hz": "50"},
    "an array": {"file": "a.npy", "content": npy(WAVE), "rate_hz": "50"},
    "an array with times": {"file": "a.npy", "content": npy(TIMED)},
    "MATLAB": {"file": "a.mat", "content": mat(acc=TIMED)},
    "g": {"content": table(np.c_[T, WAVE / 9.80665], form="%.9f"), "unit": "g"},
    "mg": {"content": table(np.c_[T, WAVE / 0.00980665], form="%.6f"), "unit": "mg"},
    "counts with a scale": {
        "content": table(np.c_[T, WAVE / 9.80665 * 16384], form="%.3f"),
        "unit": "1/16384 g",
    },
    "capitals in a unit": {"unit": "M/S^2"},
    "a place": {"stream": "acc.left_wrist"},
    "a missing value": {"content": broken(50, "0.98,,,NA\n")},
    "a value that is not finite": {"content": broken(50, "0.98,inf,nan,9.8\n")},
    "a missing time": {"content": broken(50, f",{WAVE[49, 0]},{WAVE[49, 1]},9.8\n")},
    "a doubled row": {"content": table(TIMED[np.sort(np.r_[0:100, 40])])},
    "rows that came late": {"content": table(TIMED[np.r_[0:40, 45:50, 40:45, 50:100]])},
    "a clock that was set back": {
        "content": table(np.c_[np.r_[T[:50], T[50:] - 3600], WAVE], header="t (s),x,y,z")
    },
    "Unicode and spaces in a path": {"file": "früh am/Übung 1 – Gehen.csv"},
    "a path with brackets": {"file": "run [1]/a {2}.csv"},
}


@pytest.mark.parametrize("kind", READ)
def test_the_same_samples_written_in_other_ways_are_read(tmp_path, kind):
    (streams,) = read_all(manifest(tmp_path, **READ[kind]))
    (stream,) = streams.values()
    assert stream.rate_hz == 50.0
    assert len(stream.values) == 100
    np.testing.assert_allclose(stream.values, WAVE, atol=2e-3)


def test_absolute_paths_and_links_are_followed(tmp_path):
    path = manifest(tmp_path / "here", more=[("d,run,t,1,acc,b.csv,,m/s^2", "b.csv", table(TIMED))])
    (tmp_path / "here" / "b.csv").rename(tmp_path / "elsewhere.csv")
    (tmp_path / "here" / "b.csv").symlink_to(tmp_path / "elsewhere.csv")
    path.write_text(path.read_text().replace("a.csv", str(tmp_path / "here" / "a.csv")))
    one, other = read_all(path)
    np.testing.assert_array_equal(one["acc"].values, other["acc"].values)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_manifest_of_a_spreadsheet_is_read(tmp_path, delimiter):
    path = manifest(tmp_path)
    text = path.read_text().replace(",", delimiter).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_all(path)[0]["acc"].values.shape == (100, 3)


def test_ten_million_samples_are_read(tmp_path):
    count = 10_000_000
    values = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, (count, 3))
    values[:] = np.float32(1.5)
    values[-1] = 2.5
    del values
    path = manifest(tmp_path, "b.csv", path="a.npy", rate_hz="50")
    (streams,) = read_all(path)
    assert streams["acc"].values.shape == (count, 3)
    assert prepare(open_recordings(str(path)), "acc", Shape())[0, -1].tolist() == [2.5] * 3


def teach(path: Path, student_stream=None, teacher_streams=(), teacher=("skeleton",)):
    recordings = choose_streams(open_recordings(str(path)), student_stream, teacher_streams)
    check_streams(recordings, ("acc",), "the student acc-watch")
    check_streams(recordings, teacher, "the teacher skeleton")
    train, test = divide(recordings, next(iter(recordings.splits)))
    labels = np.array([clip.label for clip in recordings.clips])
    check_labels(recordings, labels[train], labels[test], "cross-subject")


WRISTS = [
    ("c,walk,s,1,acc.right,b.csv,,m/s^2", "b.csv", table(TIMED)),
    ("d,walk,t,1,acc.left,b.csv,,m/s^2", "b.csv", table(TIMED)),
]
TRAINING = {
    "a teacher without its stream": (
        {"more": [SECOND]},
        {},
        "2 of 2 clips have no skeleton .*the first is c.*the teacher skeleton needs it",
    ),
    "two accelerometers": (
        {"stream": "acc.left", "more": WRISTS},
        {},
        "name it with --student-stream, one of acc.left, acc.right",
    ),
    "an unknown stream for the student": (
        {},
        {"student_stream": "acc.hip"},
        "no stream 'acc.hip' .*name of acc",
    ),
    "a student that sees": (
        {
            "stream": "skeleton",
            "unit": "m",
            "file": "a.npy",
            "content": npy(np.ones((9, 20, 3))),
            "rate_hz": "30",
        },
        {"student_stream": "skeleton"},
        "is no accelerometer",
    ),
    "a label that is tested alone": (
        {"more": [SECOND]},
        {"teacher": ()},
        "'run' is tested and never trained .*subject t",
    ),
    "one label": (
        {"more": [("d,walk,t,1,acc,b.csv,,m/s^2", "b.csv", table(TIMED))]},
        {"teacher": ()},
        "the one label 'walk'",
    ),
}


@pytest.mark.parametrize("kind", TRAINING)
def test_what_cannot_be_trained_is_said_before(tmp_path, kind):
    given, chosen, said = TRAINING[kind]
    with pytest.raises(InputError) as caught:
        teach(manifest(tmp_path, **given), **chosen)
    assert re.search(said, str(caught.value)), caught.value
    one_sentence(str(caught.value))


def test_a_data_dir_beside_a_manifest_is_refused(tmp_path, edgehar):
    ended = edgehar("data", "check", manifest(tmp_path), "--data-dir", tmp_path)
    assert ended.exit_code == 2
    assert "paths count from" in ended.stderr
