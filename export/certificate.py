"""A certificate for one server on the local network, made on the spot.

Browsers give motion to secure pages only.
"""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from export.errors import ExportError

DAYS = 30


@dataclass(frozen=True)
class Certificate:
    """A context for a server, and the SHA-256 of its certificate, as browsers show it."""

    context: ssl.SSLContext
    fingerprint: str


@contextmanager
def make_certificate(address: str) -> Iterator[Certificate]:
    """A self-signed certificate for an IP address and for localhost, its key gone when the `with` ends.

    Raises ExportError where there is no openssl, or it fails.
    """
    with tempfile.TemporaryDirectory(prefix="edgehar-certificate-") as name:
        key, certificate = Path(name) / "key.pem", Path(name) / "certificate.pem"
        _by_openssl(address, key, certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        raw = ssl.PEM_cert_to_DER_cert(certificate.read_text())
        digest = hashlib.sha256(raw).hexdigest().upper()
        yield Certificate(context, ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)))


def _by_openssl(address: str, key: Path, certificate: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise ExportError(
            "openssl is missing, which makes the certificate. Type: apt-get install openssl (on Windows it "
            "comes with Git), or use --no-tls with a cable: docs/phone.md"
        )
    names = f"subjectAltName=IP:{address},IP:127.0.0.1,DNS:localhost"
    command = [
        program, "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-days", str(DAYS), "-subj", "/CN=edgehar", "-addext", names,
        "-addext", "extendedKeyUsage=serverAuth", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ExportError(f"openssl made no certificate ({lines[-1].strip()}); update it, or use --no-tls.")
