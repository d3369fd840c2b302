"""Serves a student to the browsers of the local network: the page, LiteRT.js and the model, nothing else."""

from __future__ import annotations

import errno
import hashlib
import json
import mimetypes
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from export.contract import read_contract
from export.errors import ExportError
from export.litert_js import FILES, find_litert
from firmware_sim.model import read_model

PAGE = ("index.html", "app.js", "motion.js", "sessions.js", "student.js", "style.css", "sw.js")
FORMATS = ("student.int8.tflite", "student.tflite")  # the first that is there
DTYPES = ("int8", "float32")
CUSTOM = "CUSTOM:"
HANDSHAKE_S = 20
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".tflite": "application/octet-stream"}


@dataclass(frozen=True)
class Served:
    """What `edgehar deploy` tells. streams: whether the page decides all the time, or an action at a time.
    fingerprint: SHA-256 of the certificate, None without TLS."""

    url: str
    model: str
    student: str
    rate_hz: float | None
    streams: bool
    fingerprint: str | None


def model_of(folder: Path) -> Path:
    """The `.tflite` of a run's folder that a phone is given: int8, else float.

    Raises ExportError where neither was exported.
    """
    for name in FORMATS:
        if (found := folder / "export" / name).is_file():
            return found
    raise ExportError(f"{folder} has no exported student; write it with: edgehar export {folder} --int8")


def site(model: Path, litert: Path | None = None) -> dict[str, bytes | Path]:
    """Every address of the page, such as `/app.js`, and what it answers; a Path is read when asked for.

    Raises ExportError for a model without a contract, with a custom operator, or with borders that the page
    cannot feed, and where LiteRT.js is not there.
    """
    contract = read_contract(model)
    for port in (contract.input, contract.output):
        if port.dtype not in DTYPES:
            raise ExportError(
                f"{model} has {port.dtype} borders, which the page cannot feed; take the int8 file."
            )
    _check_operators(model)
    litert = litert or find_litert()
    found: dict[str, bytes | Path] = {f"/litert/{name}": litert / name for name in FILES}
    content = model.read_bytes()
    told = contract.to_json() | {"model": model.name, "sha256": hashlib.sha256(content).hexdigest()}
    found["/model.json"] = json.dumps(told, ensure_ascii=False).encode()
    found[f"/{model.name}"] = content
    for name in PAGE:
        found[f"/{name}"] = (files("export") / "web" / name).read_bytes()
    found["/"] = found["/index.html"]
    return found


def _check_operators(model: Path) -> None:
    custom = [one.name for one in read_model(model).operators if one.name.startswith(CUSTOM)]
    if custom:
        raise ExportError(
            f"{model} has {custom[0].removeprefix(CUSTOM)}, a custom operator, which LiteRT.js has not; "
            "build it of TFLite's own operators, or take the .onnx file."
        )


def own_address() -> str:
    """This computer's address on its network, 127.0.0.1 where it has none. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nobody's
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class SiteServer(ThreadingHTTPServer):
    """Answers GET and HEAD for the addresses of one `site`. With a context, over TLS."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, pages: dict[str, bytes | Path], port: int, host: str = "", context: ssl.SSLContext | None = None
    ) -> None:
        """Raises ExportError where the port is in use, not permitted or none."""
        self.pages = pages
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ExportError(_port_sentence(port, error)) from error
        if context is not None:
            # The handshake is left to the thread of each request, so that a silent client stops nobody.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that refuses the certificate or goes away is no fault of the server's."""


def _port_sentence(port: int, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"Port {port} is in use; choose another: --port {port + 1 if port < 65535 else 8443}"
    if code in (errno.EACCES, errno.EPERM):
        return f"Port {port} is not permitted; choose one above 1023, such as --port 8443"
    return f"Port {port} cannot be opened ({error}); choose one such as --port 8443"


class _Handler(BaseHTTPRequestHandler):
    server: SiteServer
    protocol_version = "HTTP/1.1"
    timeout = HANDSHAKE_S

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        path = urlsplit(self.path).path
        found = self.server.pages.get(path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = found.read_bytes() if isinstance(found, Path) else found
        name = "index.html" if path == "/" else path
        kind = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal shows the QR code."""
