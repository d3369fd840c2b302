"""Serves the folder web/ to the phones of your network, by Python alone: python serve.py [port]

Browsers give motion to secure pages only, so openssl makes a certificate, about which a phone asks once. Any
other https server that hands out web/ does as well.
"""

import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WEB = Path(__file__).resolve().parent / "web"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm",
         ".json": "application/json", "": "application/octet-stream"}  # fmt: skip


class Pages(SimpleHTTPRequestHandler):
    """The files of `web`, by the types that a browser wants."""

    extensions_map = TYPES

    def log_message(self, *_: object) -> None:
        """Says nothing of each file."""


class Server(ThreadingHTTPServer):
    """Serves several phones at once."""

    def handle_error(self, *_: object) -> None:
        """A phone that refuses the certificate or goes away is no fault of the server's."""


def own_address() -> str:
    """This machine's address on the local network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nobody's address; no packet is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def secured(openssl: str, address: str) -> ssl.SSLContext:
    """A context with a new certificate for `address`; its key is gone when this returns."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        names = f"subjectAltName=IP:{address},IP:127.0.0.1,DNS:localhost"
        subprocess.run(
            [openssl, "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "30", "-subj", "/CN=student",
             "-addext", names, "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


port = int(sys.argv[1]) if len(sys.argv) > 1 else 8443
openssl, address = shutil.which("openssl"), own_address()
try:
    server = Server(("", port), partial(Pages, directory=WEB))
except OSError as error:
    sys.exit(f"Port {port} cannot be opened ({error.strerror}); name another: python serve.py 8444")
if openssl:
    server.socket = secured(openssl, address).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    print(f"On a phone of this network: https://{address}:{server.server_port}/", flush=True)
else:
    print(f"openssl is missing: no phone's browser gives motion to this page but over a cable, after\n"
          f"adb reverse tcp:{server.server_port} tcp:{server.server_port}: "
          f"http://localhost:{server.server_port}/", flush=True)  # fmt: skip
try:
    server.serve_forever()
except KeyboardInterrupt:
    print("Stopped.")
