"""The phone's page of a bundle: unzipped, served as its README says, and run by a phone-sized Chromium."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from export.contract import read_contract
from export.deploy import PAGE
from export.litert_js import FILES, litert_folder

STEPS = 2  # of the output scale, by which WebAssembly's kernels may round otherwise


@pytest.fixture
def unpacked(bundled_run, litert_js, tmp_path, monkeypatch) -> Path:
    """A bundle, made where LiteRT.js has been fetched."""
    from export.bundle import write_bundle

    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "cache"))
    litert_folder().parent.mkdir(parents=True)
    litert_folder().symlink_to(litert_js)
    report = write_bundle(bundled_run)
    assert report.left_out == {} and report.parts["web"] > 2_000_000
    with zipfile.ZipFile(report.path) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


@contextmanager
def serving(folder: Path, path: str | None = None) -> Iterator[str]:
    """What `python serve.py` says first, while it serves; then Ctrl-C."""
    command = [sys.executable, "-c", "import runpy; runpy.run_path('serve.py', run_name='__main__')", "0"]
    guarded = {**os.environ, "PYTHONPATH": "", **({} if path is None else {"PATH": path})}
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=guarded
    ) as process:
        said = process.stdout.readline()
        if "http" not in said:
            said += process.stdout.readline()
        yield said
        process.send_signal(signal.SIGINT)
        left, faults = process.communicate(timeout=30)
    assert process.returncode == 0 and "Stopped." in left and "Traceback" not in faults, faults


def test_the_page_is_served_as_the_readme_says_and_scores_as_litert_does(unpacked, browser):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    model = unpacked / "student.int8.tflite"
    contract = read_contract(model)
    windows = np.load(unpacked / "golden" / "windows.npy")
    scores = json.loads((unpacked / "golden" / "scores.json").read_text())[model.name]
    want = np.round(np.array(scores) / contract.output.scale) + contract.output.zero_point
    with serving(unpacked) as said:
        port = re.search(r"https://[\d.]+:(\d+)/", said)[1]
        browser.start(f"https://127.0.0.1:{port}/")
        times = 10 + np.arange(windows.shape[1]) / contract.rate_hz
        for number, window in enumerate(windows):
            pause = 100 * number  # a pause begins the window anew
            browser.feed(np.column_stack([times + pause, window.astype(float)]).tolist())
            assert np.abs(browser.scored(number + 1) - want[number]).max() <= STEPS
    assert len(np.unique(want.argmax(axis=1))) > 1, "a page that always says one class would pass"


def test_without_openssl_it_serves_this_computer_and_says_so(unpacked, tmp_path):
    with serving(unpacked, path=str(tmp_path)) as said:
        assert "openssl is missing" in said and "adb reverse" in said
        port = int(re.search(r"http://localhost:(\d+)/", said)[1])
        for name, kind in {
            "": "text/html",
            "app.js": "text/javascript",
            "model.json": "application/json",
        }.items():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", f"/{name}")
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
            connection.close()


def test_a_port_in_use_is_one_sentence(unpacked):
    with serving(unpacked) as said:
        port = re.search(r":(\d+)/", said)[1]
        command = [sys.executable, "serve.py", port]
        done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert f"Port {port} cannot be opened" in done.stderr


def test_the_folder_needs_no_server_of_ours(unpacked):
    web = unpacked / "web"
    served = {str(path.relative_to(web)) for path in web.rglob("*") if path.is_file()}
    assert served == {*PAGE, *(f"litert/{name}" for name in FILES), "model.json", "student.int8.tflite"}
    told = json.loads((web / "model.json").read_text("utf-8"))
    assert (web / told["model"]).read_bytes() == (unpacked / told["model"]).read_bytes()
