"""The server: what it answers, over TLS too, and what it says of a port or a file that it cannot use."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import ssl
import threading
from importlib.resources import files
from pathlib import Path

import pytest

from export import deploy
from export.certificate import make_certificate
from export.deploy import PAGE, SiteServer, model_of, own_address, site
from export.errors import ExportError
from export.litert_js import FILES


@pytest.fixture(scope="module")
def litert(tmp_path_factory) -> Path:
    """Files under the names of LiteRT.js: what a server hands out it does not look into."""
    folder = tmp_path_factory.mktemp("litert")
    for name in FILES:
        (folder / name).write_bytes(name.encode() * 100)
    return folder


@pytest.fixture
def served(conv_export, litert):
    server = SiteServer(site(conv_export.folder / "student.int8.tflite", litert), 0, "127.0.0.1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def get(server: SiteServer, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_every_file_is_answered_with_its_type(served, conv_export, litert):
    model = (conv_export.folder / "student.int8.tflite").read_bytes()
    told = json.loads(get(served, "/model.json")[1])
    assert told["sha256"] == hashlib.sha256(model).hexdigest() and told["rate_hz"] == 50
    assert get(served, f"/{told['model']}")[1] == model
    kinds = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
    for path in [*(f"/{name}" for name in PAGE), *(f"/litert/{name}" for name in FILES)]:
        answer, content = get(served, path)
        assert answer.status == 200 and content
        assert answer.headers["Content-Type"] == kinds[Path(path).suffix]
    assert get(served, "/?x=1")[1] == get(served, "/index.html")[1]
    assert get(served, "/", "HEAD")[1] == b""


def test_nothing_else_is_answered(served):
    for path in ("/../pyproject.toml", "/%2e%2e/deploy.py", "/etc/passwd", "/litert/", "/web/app.js"):
        assert get(served, path)[0].status == 404
    assert get(served, "/", "POST")[0].status == 501


def test_the_page_asks_for_nothing_from_elsewhere():
    folder = files("export") / "web"
    assert {item.name for item in folder.iterdir()} == set(PAGE)
    for name in PAGE:
        text = (folder / name).read_text("utf-8")
        assert not re.search(r"https?://", text), f"{name} names a network address"


def test_over_tls_only_the_right_certificate_is_trusted(conv_export, litert, tmp_path):
    pages = site(conv_export.folder / "student.int8.tflite", litert)
    with make_certificate("127.0.0.1") as certificate:
        server = SiteServer(pages, 0, "127.0.0.1", certificate.context)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_connection(("127.0.0.1", server.server_port)):  # says nothing, and stops nobody
            pem = ssl.get_server_certificate(("127.0.0.1", server.server_port), timeout=30)
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
        assert certificate.fingerprint.replace(":", "") == digest
        trusting = ssl.create_default_context(cadata=pem)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", server.server_port, context=trusting, timeout=30
        )
        connection.request("GET", "/")
        assert connection.getresponse().status == 200  # its address is in the certificate
        connection.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            connection = http.client.HTTPSConnection("127.0.0.1", server.server_port, timeout=30)
            connection.request("GET", "/")
        server.shutdown()
        server.server_close()


def test_a_port_in_use_is_said(served):
    with pytest.raises(
        ExportError, match=rf"Port {served.server_port} is in use; choose another: --port \d+"
    ):
        SiteServer({}, served.server_port, "127.0.0.1")
    with pytest.raises(ExportError, match="Port 70000 cannot be opened"):
        SiteServer({}, 70000, "127.0.0.1")


def test_the_int8_file_of_a_run_is_taken_first(tmp_path):
    with pytest.raises(ExportError, match=r"no exported student.*edgehar export"):
        model_of(tmp_path)
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "student.tflite").touch()
    assert model_of(tmp_path).name == "student.tflite"
    (tmp_path / "export" / "student.int8.tflite").touch()
    assert model_of(tmp_path).name == "student.int8.tflite"


def test_a_file_that_the_page_cannot_feed_is_refused(conv_export, litert, tmp_path, monkeypatch):
    (tmp_path / "student.tflite").write_bytes(b"no model")
    with pytest.raises(ExportError, match=r"student\.tflite"):
        site(tmp_path / "student.tflite", litert)
    monkeypatch.setattr(deploy, "DTYPES", ("float32",))
    with pytest.raises(ExportError, match="int8 borders, which the page cannot feed"):
        site(conv_export.folder / "student.int8.tflite", litert)


def test_an_operator_that_litert_js_has_not_is_named(conv_export, litert, tmp_path):
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs((conv_export.folder / "student.int8.tflite").read_bytes())
    )
    code = model.operatorCodes[-1]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FlexErf"
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    (tmp_path / "student.tflite").write_bytes(builder.Output())
    with pytest.raises(ExportError, match=r"has FlexErf, a custom operator.*take the \.onnx file"):
        site(tmp_path / "student.tflite", litert)


def test_without_litert_js_it_says_what_to_type(conv_export):
    with pytest.raises(ExportError, match="edgehar setup web"):
        site(conv_export.folder / "student.int8.tflite")


def test_the_address_is_one_of_this_computer():
    with socket.socket() as probe:
        probe.bind((own_address(), 0))
