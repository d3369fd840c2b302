"""A manifest from a folder's names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgehar.data.manifest import read, read_rows
from edgehar.data.scan import compile_pattern, scan
from edgehar.errors import InputError

TREE = "{subject}/{label}/{trial}/{stream}.*"


@pytest.fixture
def folder(tmp_path) -> Path:
    for subject, label, trial in (
        ("bea", "walk", 1),
        ("anna", "walk", 10),
        ("anna", "walk", 2),
        ("anna", "sit", 1),
    ):
        place = tmp_path / "all" / subject / label / str(trial)
        place.mkdir(parents=True)
        (place / "accelerometer.csv").write_text("t,x,y,z\n0,0,0,1\n0.02,0,0,1\n")
        np.save(place / "skeleton.npy", np.ones((4, 20, 3)))
        (place / "notes.txt").write_text("windy\n")
    return tmp_path / "all"


def test_a_tree_becomes_rows_in_natural_order(folder):
    told = scan(folder, TREE.replace("*", "csv"), folder / "manifest.csv", unit="g")
    assert (told.rows, told.clips, told.labels, told.subjects) == (4, 4, ("sit", "walk"), ("anna", "bea"))
    assert told.streams == {"acc": 4}
    assert told.files_left_out == 8
    rows = read_rows(folder / "manifest.csv")
    assert [row.clip for row in rows] == ["anna_sit_1", "anna_walk_2", "anna_walk_10", "bea_walk_1"]
    stream = read(folder / "manifest.csv").clips[1].streams["acc"]()
    np.testing.assert_allclose(stream.values[0], [0, 0, 9.80665], rtol=1e-6)


def test_a_rate_is_written_where_a_file_has_no_times(folder):
    for notes in folder.rglob("notes.txt"):
        notes.unlink()
    scan(folder, TREE, folder / "manifest.csv", unit="g", rate_hz=30)
    sources = {row.source.stream: row.source for row in read_rows(folder / "manifest.csv")}
    assert (sources["acc"].rate_hz, sources["skeleton"].rate_hz) == (None, 30.0)
    assert (sources["acc"].unit, sources["skeleton"].unit) == ("g", "m")


def test_a_stated_unit_of_time_is_written_beside_tables_with_times(folder):
    """Steps of 0.02 are taken for seconds; stated as milliseconds they are refused at 50,000 Hz apart."""
    for notes in folder.rglob("notes.txt"):
        notes.unlink()
    scan(folder, TREE, folder / "manifest.csv", unit="g", rate_hz=30, time_unit="s")
    sources = {row.source.stream: row.source for row in read_rows(folder / "manifest.csv")}
    assert (sources["acc"].time_unit, sources["skeleton"].time_unit) == ("s", None)
    for csv in folder.rglob("accelerometer.csv"):
        csv.write_text("t,x,y,z\n0,0,0,1\n20,0,0,1\n")  # taken for ms; a clock of us would be 50 kHz
    assert read(folder / "manifest.csv").clips[0].streams["acc"]().rate_hz == 0.1  # 20 s a sample, as stated


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time_unit": "min"}, "--time-unit: 'min' is no unit of time: write one of s, ms, us, ns"),
        ({"rate_hz": -5.0}, "--rate: '-5' is no rate: write Hz"),
        ({"rate_hz": float("nan")}, "--rate: 'nan' is no rate"),
    ],
)
def test_times_that_cannot_be_are_said_before_a_manifest_is_written(folder, given, said):
    with pytest.raises(InputError, match=said):
        scan(folder, TREE.replace("*", "csv"), folder / "manifest.csv", unit="g", **given)
    assert not (folder / "manifest.csv").exists()


def test_each_sensor_has_its_unit(folder):
    for notes in folder.rglob("notes.txt"):
        notes.replace(notes.with_name("gyro.csv")).write_text("t,x,y,z\n0,0,0,180\n0.5,0,0,180\n")
        notes.with_name("accelerometer.csv").write_text("t,x,y,z\n0,0,0,1\n0.5,0,0,1\n")
    scan(folder, TREE, folder / "manifest.csv", unit="acc=1/2 g, gyro=deg/s", rate_hz=30)
    clip = read(folder / "manifest.csv").clips[0]
    np.testing.assert_allclose(clip.streams["acc"]().values[0], [0, 0, 9.80665 / 2], rtol=1e-6)
    np.testing.assert_allclose(clip.streams["gyro"]().values[0], [0, 0, np.pi], rtol=1e-6)
    assert clip.streams["skeleton"]().unit == "m"


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("acc=furlong", "--unit: 'furlong' is no unit of acc: write one of"),
        ("gyro=g", "--unit: 'g' is no unit of gyro: write one of rad/s"),
        ("acc=g,deg/s", "--unit: 'deg/s' names none of acc, gyro, orientation: write acc=g"),
        ("acc=", "--unit: acc has no unit"),
    ],
)
def test_units_that_cannot_be_are_said(folder, unit, said):
    with pytest.raises(InputError, match=said):
        scan(folder, TREE.replace("*", "csv"), folder / "manifest.csv", unit=unit)


def test_flat_names_and_a_stated_stream(tmp_path):
    for name in ("walk_anna_1.csv", "sit down_bea_2.csv"):
        (tmp_path / name).write_text("t,x,y,z\n0,0,0,1\n1,0,0,1\n")
    scan(tmp_path, "{label}_{subject}_{trial}.csv", tmp_path / "m" / "own.csv", unit="g", stream="acc.wrist")
    clips = read(tmp_path / "m" / "own.csv").clips
    assert {(clip.subject, clip.trial, *clip.streams) for clip in clips} == {
        ("anna", "1", "acc.wrist"),
        ("bea", "2", "acc.wrist"),
    }


def test_a_second_scan_leaves_its_own_manifest_out(folder):
    pattern = "{subject}/{label}/{trial}/{stream}.csv"
    first = scan(folder, pattern, folder / "manifest.csv", unit="g")
    assert scan(folder, pattern, folder / "manifest.csv", unit="g") == first


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{subject}/{lable}/{stream}.csv", "Did you mean {label}"),
        ("{subject}/{stream}.csv", "has no {label}"),
        ("{label}/{stream}.csv", "has no {subject}"),
        ("{subject}/{label}.csv", "--stream acc"),
        ("{subject}/{label}/{stream}.wav", "fits nothing in .*, whose first file is anna/sit/1/acc"),
        (TREE, "no stream is called 'notes'"),
    ],
)
def test_patterns_that_cannot_be_are_said(folder, pattern, said):
    with pytest.raises(InputError, match=said):
        scan(folder, pattern, folder / "manifest.csv", unit="g")


def test_any_ending_is_not_a_place():
    fits = compile_pattern("{subject}/{label}/{stream}.*")
    assert fits.fullmatch("anna/walk/acc.left_wrist.csv")["stream"] == "acc.left_wrist"
    assert not fits.fullmatch("anna/walk/acc")


def test_a_name_that_comes_twice_must_be_the_same():
    fits = compile_pattern("{subject}/{subject}_{label}_{stream}.csv")
    assert fits.fullmatch("s1/s1_walk_acc.csv")
    assert not fits.fullmatch("s1/s2_walk_acc.csv")


def test_the_command_line_says_what_comes_next(folder, edgehar):
    ended = edgehar("data", "scan", folder, "--pattern", TREE.replace("*", "csv"), "--unit", "g")
    assert ended.exit_code == 0
    assert "4 clips, 2 labels, 2 subjects" in ended.stdout and "Next: edgehar data check" in ended.stdout
    ended = edgehar("data", "scan", folder, "--pattern", TREE.replace("*", "csv"), "--unit", "g", "--json")
    assert json.loads(ended.stdout)["streams"] == {"acc": 4}


def test_no_folder_is_said(tmp_path, edgehar):
    ended = edgehar("data", "scan", tmp_path / "gone", "--pattern", TREE)
    assert ended.exit_code == 2 and "is not a folder" in ended.stderr
