"""Setting up: what is refused, what is unpacked, and that a broken call goes on where it stopped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_sim.emulator import setup
from firmware_sim.emulator.debian import Debian, unpack
from firmware_sim.emulator.places import Places
from firmware_sim.errors import SimError


def test_no_debian_tools_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SimError, match="apt-get is missing here: run this on Debian or Ubuntu"):
        Debian(tmp_path)


def test_an_old_c_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup.platform, "libc_ver", lambda: ("glibc", "2.31"))
    with pytest.raises(SimError, match=r"needs glibc 2\.36 or newer and this machine has glibc 2\.31"):
        setup.set_up(places=Places(tmp_path))


def test_what_is_finished_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetched: list[str] = []

    def parts(places: Places, cortex_m: bool) -> dict:
        def fail() -> None:
            raise SimError("the network broke")

        second = fail if "second" not in fetched else lambda: fetched.append("again")
        return {"first": lambda: fetched.append("first"), "second": second}

    monkeypatch.setattr(setup, "_parts", parts)
    with pytest.raises(SimError, match="the network broke"):
        setup.set_up(places=Places(tmp_path))
    fetched.append("second")
    assert setup.set_up(places=Places(tmp_path)).fetched == ("second",)
    assert fetched == ["first", "second", "again"]
    assert setup.set_up(places=Places(tmp_path)).fetched == ()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("./usr/bin/qemu-aarch64", True),
        ("./usr/bin/qemu-alpha", False),
        ("./usr/share/doc/qemu/README", False),
        ("./usr/lib/arm-none-eabi/newlib/libc.a", True),
        ("./usr/lib/arm-none-eabi/newlib/thumb/v7e-m+fp/hard/libc.a", True),
        ("./usr/lib/arm-none-eabi/newlib/thumb/v8-a/libc.a", False),
        ("./usr/lib/gcc/arm-none-eabi/12.2.1/thumb/v7-m/nofp/libgcc.a", True),
        ("./usr/lib/gcc/arm-none-eabi/12.2.1/arm/v5te/hard/libgcc.a", False),
        ("./usr/lib/x86_64-linux-gnu/libglib-2.0.so.0", True),
    ],
)
def test_what_is_unpacked(name: str, kept: bool) -> None:
    assert setup._is_needed(name) == kept


def test_a_package_is_unpacked_by_choice_and_a_broken_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    (folder / "DEBIAN").mkdir(parents=True)
    control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n"
    (folder / "DEBIAN" / "control").write_text(control)
    for name in ("wanted", "other"):
        (folder / name).write_text(name)
    package = tmp_path / "x.deb"
    subprocess.run(["dpkg-deb", "-b", str(folder), str(package)], check=True, capture_output=True)
    unpack(package, tmp_path / "out", lambda name: name == "./wanted")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["wanted"]
    package.write_bytes(b"no package")
    with pytest.raises(SimError, match=r"x\.deb: cannot be unpacked"):
        unpack(package, tmp_path / "out")
