"""Fetching LiteRT.js: what is said where npm is missing, fails, or brings something else."""

from __future__ import annotations

import io
import tarfile

import pytest

from export import litert_js
from export.errors import ExportError
from export.litert_js import FILES, INT8_TYPE, KNOWN_TYPES, fetch_litert, find_litert, litert_folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """`npm(script)` makes an npm of those shell commands."""

    def make(script: str) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return make


def test_a_missing_npm_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match="npm is missing"):
        fetch_litert()


def test_a_failing_npm_is_said(npm):
    npm("echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(ExportError, match=r"failed \(npm error code ENOTFOUND\); check the network"):
        fetch_litert()


def test_another_package_is_refused_and_nothing_kept(npm):
    npm("echo other > litertjs-core-2.5.3.tgz")
    with pytest.raises(ExportError, match=r"another @litertjs/core@2\.5\.3"):
        fetch_litert()
    assert not litert_folder().exists()
    with pytest.raises(ExportError, match="edgehar setup web"):
        find_litert()


def test_packages_are_unpacked_with_int8_added_and_fetched_once(npm, tmp_path, monkeypatch):
    packages = {}
    for package, (_, kept) in litert_js.PACKAGES.items():
        archive = tmp_path / f"{package.rpartition('/')[2]}.tgz"
        with tarfile.open(archive, "w:gz") as packed:
            for inside in kept:
                content = b"[\n" + KNOWN_TYPES + b"]" if inside == "dist/index.js" else inside.encode()
                entry = tarfile.TarInfo(f"package/{inside}")
                entry.size = len(content)
                packed.addfile(entry, io.BytesIO(content))
        packages[package] = (litert_js.sha512_of(archive), kept)
    monkeypatch.setattr(litert_js, "PACKAGES", packages)
    npm(f'case "$3" in *core@*) cp {tmp_path}/core.tgz . ;; *) cp {tmp_path}/wasm-utils.tgz . ;; esac')
    told = fetch_litert()
    assert told.fetched == tuple(packages) and told.bytes > 0
    folder = find_litert()
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    core = (folder / "core.js").read_bytes()
    assert core.startswith(b"// Changed by edgehar") and INT8_TYPE in core
    assert INT8_TYPE not in (folder / "wasm-utils.js").read_bytes()
    npm("exit 1")
    assert fetch_litert().fetched == ()
