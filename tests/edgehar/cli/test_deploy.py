"""`edgehar deploy` through its front door: serves until Ctrl-C, and says what it cannot do."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from export.litert_js import FILES, litert_folder

WORDS = [sys.executable, "-m", "edgehar.cli.main", "deploy"]


@pytest.fixture
def litert(own_cache) -> None:
    for name in FILES:
        path = litert_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A float `.tflite` with a contract, made without training."""
    from edgehar.models.depthwise import DepthwiseStudent
    from export.contract import InputContract
    from export.convert import to_tflite
    from export.quiet import quiet
    from export.tflite_file import borders, with_contract

    student = DepthwiseStudent(3, 32, widths=(4, 4), strides=(1, 2), kernel=3, dropout=0.0).eval()
    with quiet():
        content = to_tflite(student, 32)
    taken, given = borders(content)
    contract = InputContract(taken, given, ("rest", "wave", "walk"), 32, "window", 50.0, "acc-tiny")
    path = tmp_path_factory.mktemp("model") / "student.tflite"
    path.write_bytes(with_contract(content, contract))
    return path


@pytest.mark.parametrize("words", [["--json"], ["--no-tls"]])
def test_it_serves_until_ctrl_c(model, litert, words):
    command = [*WORDS, str(model), "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("}") or line.startswith("Without TLS"):
                break
        if "--json" in words:
            told = json.loads("\n".join(lines))
            url, trust = told["url"], ssl._create_unverified_context()
            assert url.startswith("https://") and told["streams"] and told["student"] == "acc-tiny"
            assert told["fingerprint"].count(":") == 31
        else:
            url, trust = next(line.strip() for line in lines if line.startswith("http://")), None
            assert any("▀" in line or "█" in line for line in lines), "no QR code"
        with urllib.request.urlopen(f"{url}model.json", context=trust, timeout=30) as answer:
            assert json.load(answer)["labels"] == ["rest", "wave", "walk"]
        process.send_signal(signal.SIGINT)
        left, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "Stopped." in said and "Traceback" not in said
    assert "--json" not in words or not left.strip()


def test_a_port_in_use_is_one_sentence(edgehar, model, litert):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = edgehar("deploy", model, "--port", str(port), "--no-tls")
    assert done.exit_code == 2 and f"Port {port} is in use" in done.stderr


def test_what_is_missing_is_said(edgehar, model, own_cache, tmp_path):
    assert "edgehar setup web" in edgehar("deploy", model).stderr
    (tmp_path / "notes.txt").write_text("walk")
    for words, sentence in [
        (["--adb", "--port", "8443"], "--adb serves nothing"),
        (["--serial", "R5CT"], "add --adb"),
        ([tmp_path / "notes.txt"], "no .tflite file"),
        ([model, "--adb"], "name its run"),
        ([tmp_path / "none"], "not a run folder"),
    ]:
        done = edgehar("deploy", *words)
        assert done.exit_code == 2 and sentence in done.stderr, done
