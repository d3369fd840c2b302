"""Packages of Debian 12, fetched by apt and unpacked by dpkg into a folder: no root, nothing installed.

apt works on a state of its own in the folder `apt`, for two architectures at once, so that it neither
reads nor changes what the machine has. Debian 12 because of its QEMU 7.2: that of Debian 13 is built
without plugins, and QEMU 9 and later have another plugin interface.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from firmware_sim.errors import SimError

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TOOLS = ("apt-get", "dpkg-deb", "dpkg")

CONFIGURATION = """\
Dir "{state}";
Dir::Etc "{state}/etc"; Dir::Etc::sourcelist "sources.list"; Dir::Etc::sourceparts "sources.list.d";
Dir::Etc::parts "parts"; Dir::Etc::preferences "preferences"; Dir::Etc::preferencesparts "preferences.d";
Dir::State "{state}/state"; Dir::State::status "{state}/state/status"; Dir::Cache "{state}/cache";
Dir::Etc::trusted "{keys}";
APT::Architecture "{host}"; APT::Architectures {{ "{host}"; "arm64"; }};
Acquire::Languages "none"; Acquire::GzipIndexes "true"; APT::Sandbox::User "root";
"""


class Debian:
    """apt on a state of its own under `folder`. `folder` need not exist."""

    def __init__(self, folder: Path) -> None:
        if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
            raise SimError(
                f"The emulator comes from Debian's packages and {missing[0]} is missing here: "
                "run this on Debian or Ubuntu, or in a container of debian:12."
            )
        if not KEYS.is_file():
            raise SimError(f"{KEYS}: there is no such file. Type: apt-get install debian-archive-keyring")
        self.folder = folder
        self.host = _run(["dpkg", "--print-architecture"], dict(os.environ)).strip()
        self._updated = folder / ".updated"
        self._environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def update(self) -> None:
        """Fetch the lists of packages, once. Raises SimError where the network or the mirror fails."""
        if self._updated.is_file():
            return
        for name in ("etc/sources.list.d", "etc/parts", "etc/preferences.d", "state/lists/partial",
                     "cache/archives/partial"):  # fmt: skip
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state" / "status").touch()
        mirror = os.environ.get("EDGEHAR_DEBIAN_MIRROR") or _mirror_of_this_machine() or MIRROR
        (self.folder / "etc" / "sources.list").write_text(f"deb {mirror} {RELEASE} main\n")
        (self.folder / "apt.conf").write_text(
            CONFIGURATION.format(state=self.folder, host=self.host, keys=KEYS)
        )
        _run(["apt-get", "-q", "update"], self._environment)
        self._updated.touch()

    def with_dependencies(self, packages: Sequence[str]) -> list[str]:
        """`packages` for this machine and all that they depend on, by name. Raises SimError."""
        self.update()
        simulated = _run(
            ["apt-get", "-s", "--no-install-recommends", "install", *packages], self._environment
        )
        return [line.split()[1] for line in simulated.splitlines() if line.startswith("Inst ")]

    def download(self, packages: Iterable[str], into: Path) -> list[Path]:
        """Fetch packages (`name` or `name:arm64`); what is there whole already is not fetched again.

        Returns the .deb files. Raises SimError where one does not exist or cannot be fetched.
        """
        self.update()
        into.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "-qq", "download", *packages], self._environment, into)
        return sorted(into.glob("*.deb"))


def unpack(package: Path, into: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
    """Unpack the files of a .deb whose path (`./usr/...`) is wanted. A half unpacked one is mended."""
    into.mkdir(parents=True, exist_ok=True)
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    try:
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as archive,
        ):
            archive.extractall(into, (member for member in archive if wanted(member.name)), filter="tar")
    except tarfile.ReadError as error:
        raise SimError(f"{package}: cannot be unpacked; delete it and set up again.") from error


def _mirror_of_this_machine() -> str | None:
    """The address from which this machine gets Debian 12, so that a local mirror is used; None elsewhere."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    sites = [line.split()[0] for line in told.stdout.splitlines() if line.split()[1:] == [RELEASE]]
    return sites[0] if sites else None


def _run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr.strip()]
        raise SimError(f"{' '.join(command[:3])} failed ({lines[0]}); check the network and try again.")
    return done.stdout
