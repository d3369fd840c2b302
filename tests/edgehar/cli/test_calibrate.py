"""`edgehar calibrate` through the command line, and `bench --calibration` with what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

HEAD = "core,clock_mhz,runtime_family,model,latency_ms\n"
MINE = HEAD + "".join(f"cortex-m4f,64,tflm,{m},{ms}\n" for m, ms in (("sww", 60.0), ("kws_dscnn", 150.0)))


def test_rows_of_ones_own(edgehar, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(MINE)
    ended = edgehar("calibrate", "rows.csv", "--out", "deep/c.json", "--json")
    assert (ended.exit_code, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert told["rows"] == "rows.csv: 2 rows"
    assert {line["cores"] for line in told["bounds"]} == {"microcontroller", "application"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["c.json"]
    again = edgehar("calibrate", "rows.csv", "--out", "again.json", "--json")
    assert again.exit_code == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "deep" / "c.json").read_bytes()


def test_bench_takes_it(edgehar, data_set, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(MINE)
    assert edgehar("calibrate", "rows.csv", "--out", "c.json").exit_code == 0
    file = data_set("mlperf_tiny") / "models" / "kws_ref_model.tflite"
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'name = "mine"\ndescription = "d"\nsource = "s"\ncore = "cortex-m4f"\nclock_mhz = 64\n'
        'engine = "tflm"\nram_bytes = 100000\nflash_bytes = 1000000\n'
    )
    ours = json.loads(edgehar("bench", file, "--device", profile, "--json").stdout)
    mine = json.loads(edgehar("bench", file, "--device", profile, "--calibration", "c.json", "--json").stdout)
    assert abs(mine["latency_ms"]["value"] / 150 - 1) < 0.1 < abs(ours["latency_ms"]["value"] / 150 - 1)


def test_what_cannot_be_used(edgehar, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(HEAD + "cortex-m4f,64,tflm,nothing,1\n")
    for arguments in (
        ["calibrate", tmp_path / "rows.csv", "--out", tmp_path / "c.json"],
        ["calibrate", tmp_path / "none.csv"],
        ["bench", tmp_path / "rows.csv", "--calibration", tmp_path / "rows.csv"],
    ):
        ended = edgehar(*arguments)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "c.json").exists()
