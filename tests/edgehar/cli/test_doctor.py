import json
import sys
from importlib import metadata

import pytest

from edgehar.cli import doctor
from export.litert_js import FILES, litert_folder
from firmware_sim.emulator.places import default_places

VERSION = metadata.version


@pytest.fixture
def without(monkeypatch):
    """`without("onnx")` hides a package's metadata; `without("onnx", "0.1")` gives it another version."""

    def hide(name, instead=None):
        def version(asked):
            if asked == name and instead is None:
                raise metadata.PackageNotFoundError(asked)
            return instead if asked == name else VERSION(asked)

        monkeypatch.setattr(metadata, "version", version)

    return hide


def told(edgehar, *options):
    ended = edgehar("doctor", "--json", *options)
    assert ended.stderr == ""
    return ended.exit_code, json.loads(ended.stdout)


def test_the_environment_of_the_tests_is_ready(edgehar):
    exit_code, report = told(edgehar)
    assert (exit_code, report["ready"]) == (0, True)
    packages = {package["name"]: package for package in report["packages"]}
    assert packages["torch"]["version"] == VERSION("torch")
    assert all(package["type_this"] is None for package in packages.values() if package["fits"])
    assert packages["av"]["needed_for"] == doctor.EXTRAS["video"]
    assert report["machine"]["torch_threads"] >= 1


def test_every_requirement_is_looked_at(edgehar):
    _, report = told(edgehar)
    stated = {text.split(";")[0] for text in metadata.requires("edgehar")}
    assert {package["name"] + package["wanted"] for package in report["packages"]} == stated


def test_a_missing_package_is_1_and_what_to_type(edgehar, without):
    without("onnx")
    exit_code, report = told(edgehar)
    assert (exit_code, report["ready"]) == (1, False)
    (onnx,) = [package for package in report["packages"] if package["name"] == "onnx"]
    assert (onnx["version"], onnx["fits"]) == (None, False)
    assert onnx["type_this"] == f'pip install "onnx{onnx["wanted"]}"'
    assert onnx["type_this"] in edgehar("doctor").stdout


def test_a_wrong_version_is_1(edgehar, without):
    without("litert-torch", "0.9.0")
    exit_code, report = told(edgehar)
    assert exit_code == 1
    (package,) = [package for package in report["packages"] if package["name"] == "litert-torch"]
    assert (package["version"], package["fits"]) == ("0.9.0", False)


@pytest.mark.parametrize("name", ["av", "tflite-micro", "pytest"])
def test_what_is_not_required_may_be_missing(edgehar, without, name):
    without(name)
    exit_code, report = told(edgehar)
    assert exit_code == 0
    (package,) = [package for package in report["packages"] if package["name"] == name]
    assert package["type_this"].startswith("pip install ")


def test_a_torch_that_cannot_be_imported_is_told(edgehar, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    exit_code, report = told(edgehar)
    assert exit_code == 1
    assert report["machine"]["torch_threads"] is None
    assert "torch" in report["machine"]["torch_error"]


def test_edgehar_run_without_being_installed_is_one_sentence(edgehar, monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", nothing)
    ended = edgehar("doctor")
    assert ended.exit_code == 2
    assert ended.stderr.endswith("Type in its clone: pip install .\n")


def tools(edgehar):
    exit_code, report = told(edgehar)
    return exit_code, {tool["name"]: tool for tool in report["tools"]}


def test_tools_that_are_missing_stop_nothing_and_say_what_to_type(edgehar, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "cache"))
    exit_code, found = tools(edgehar)
    assert exit_code == 0
    assert {name: tool["type_this"] for name, tool in found.items()} == {
        "arm64 emulator": "edgehar setup emulator",
        "Cortex-M emulator": "edgehar setup emulator --cortex-m",
        "LiteRT.js": "edgehar setup web",
        "npm": "apt-get install npm",
        "openssl": "apt-get install openssl",
        "adb": "apt-get install adb",
        "cc, make": "apt-get install gcc make",
        "chromium": "apt-get install chromium chromium-driver",
    }
    assert not any(tool["here"] for tool in found.values())
    lines = edgehar("doctor").stdout.splitlines()
    assert all(tool["type_this"] in lines for tool in found.values())


def test_tools_that_are_here(edgehar, tmp_path, monkeypatch):
    for name in ("openssl", "adb", "cc", "google-chrome", "chromedriver"):  # no make
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "cache"))
    places = default_places()
    for path in (places.qemu_user, places.litert, *(litert_folder() / name for name in FILES)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    _, found = tools(edgehar)
    here = {name for name, tool in found.items() if tool["here"]}
    assert here == {"arm64 emulator", "LiteRT.js", "openssl", "adb", "chromium"}
    assert set(found) - here == {"Cortex-M emulator", "cc, make"}  # npm has nothing left to fetch
    assert all((tool["type_this"] is None) == tool["here"] for tool in found.values())


def test_the_cache_folder_and_its_size(edgehar, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(1000))
    (tmp_path / "c").write_bytes(bytes(24))
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path))
    _, report = told(edgehar)
    assert (report["cache_folder"], report["cache_bytes"]) == (str(tmp_path), 1024)


def test_a_folder_that_is_not_there_has_no_bytes(tmp_path):
    assert doctor.folder_bytes(tmp_path / "none") == 0


def test_recordings(edgehar, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEHAR_DATA", str(tmp_path))
    _, report = told(edgehar)
    (data,) = [row for row in report["datasets"] if row["name"] == "utd-mhad"]
    assert not data["here"]
    (tmp_path / "UTD-MHAD").mkdir()
    _, report = told(edgehar)
    (data,) = [row for row in report["datasets"] if row["name"] == "utd-mhad"]
    assert (data["here"], data["folder"]) == (True, str(tmp_path / "UTD-MHAD"))
