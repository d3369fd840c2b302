"""LiteRT.js, Google's runtime for `.tflite` files in a browser: fetched once by npm, then served from here.

Of the two packages (Apache-2.0) what a page needs is kept: 10 MB, too large for the wheel, so it lies in the
cache. Of LiteRT's WebAssembly the variant that asks less of a browser is taken: the one with relaxed SIMD was
no faster on our students, and gave the same scores (`benchmarks/browser.py` times what is served).

Version 2.5.3 runs int8 files but has no name for int8 where a file begins and ends ("Element type INT8 is
not supported"): one entry is added to its table of types, and a line that says so.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgehar.cache import cache_dir, write_atomic
from export.errors import ExportError

VERSION = "2.5.3"
# package -> its published sha512, and which of its files are kept under which names.
PACKAGES = {
    "@litertjs/core": (
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        {
            "dist/index.js": "core.js",
            "wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
            "wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        },
    ),
    "@litertjs/wasm-utils": (
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
        {"dist/index.js": "wasm-utils.js"},
    ),
}
FILES = tuple(name for _, kept in PACKAGES.values() for name in kept.values())
SECONDS = 600
KNOWN_TYPES = b"""    elementType: ElementType.UINT8
  }
"""
INT8_TYPE = b"""    elementType: ElementType.UINT8
  },
  { dtype: "int8", typedArrayConstructor: Int8Array, elementType: ElementType.INT8 }
"""
NOTICE = (
    b"// Changed by edgehar: int8 was added to DATATYPES. The original is @litertjs/core 2.5.3, Apache-2.0.\n"
)


@dataclass(frozen=True)
class Fetched:
    """What is there now. fetched: the packages that this call had to fetch; bytes: of all files."""

    folder: str
    version: str
    fetched: tuple[str, ...]
    bytes: int


def litert_folder() -> Path:
    """Where LiteRT.js lies, or will."""
    return cache_dir() / "web" / f"litert-{VERSION}"


def is_here() -> bool:
    """Whether all FILES have been fetched."""
    return all((litert_folder() / name).is_file() for name in FILES)


def find_litert() -> Path:
    """The folder with all FILES. Raises ExportError where they are not there."""
    if not is_here():
        raise ExportError("LiteRT.js is not here yet; fetch it once (10 MB, needs npm): edgehar setup web")
    return litert_folder()


def fetch_litert() -> Fetched:
    """Fetch what is missing of LiteRT.js into the cache. Raises ExportError if npm or the network fails."""
    folder = litert_folder()
    fetched = []
    for package, (sha512, kept) in PACKAGES.items():
        if all((folder / name).is_file() for name in kept.values()):
            continue
        with tempfile.TemporaryDirectory(prefix="edgehar-npm-") as place:
            _unpack(_pack(f"{package}@{VERSION}", sha512, Path(place)), kept, folder)
        fetched.append(package)
    size = sum((folder / name).stat().st_size for name in FILES)
    return Fetched(str(folder), VERSION, tuple(fetched), size)


def sha512_of(path: Path) -> str:
    """The checksum of a file as registries publish it."""
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def _pack(package: str, sha512: str, place: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise ExportError(
            "npm is missing, which fetches LiteRT.js. Type: apt-get install npm (elsewhere: Node.js)"
        )
    command = [npm, "pack", "--silent", package]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"npm pack {package} did not end within {SECONDS} s; check the network.") from error
    archives = list(place.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ExportError(f"npm pack {package} failed ({lines[0].strip()}); check the network and try again.")
    if sha512_of(archives[0]) != sha512:
        raise ExportError(f"npm fetched another {package} than the one that was tested; check its registry.")
    return archives[0]


def _unpack(archive: Path, kept: dict[str, str], folder: Path) -> None:
    with tarfile.open(archive) as packed:
        for inside, name in kept.items():
            member = packed.extractfile(f"package/{inside}")
            assert member is not None, "its checksum was right"
            content = _with_int8(member.read()) if name == "core.js" else member.read()
            write_atomic(folder / name, partial(_fill, content))


def _fill(content: bytes, part: Path) -> None:
    part.write_bytes(content)


def _with_int8(core: bytes) -> bytes:
    assert core.count(KNOWN_TYPES) == 1, "its checksum was right"
    return NOTICE + core.replace(KNOWN_TYPES, INT8_TYPE)
