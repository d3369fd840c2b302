from __future__ import annotations

import pytest

from export.certificate import make_certificate
from export.errors import ExportError


def test_each_has_a_key_of_its_own():
    with make_certificate("10.0.0.7") as one, make_certificate("10.0.0.7") as other:
        assert one.fingerprint != other.fingerprint
        assert len(one.fingerprint.split(":")) == 32


def test_a_missing_or_failing_openssl_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match=r"openssl is missing.*--no-tls"), make_certificate("10.0.0.7"):
        pass
    program = tmp_path / "openssl"
    program.write_text("#!/bin/sh\necho 'req: Unknown option: -addext' >&2\nexit 1\n")
    program.chmod(0o755)
    with (
        pytest.raises(ExportError, match=r"made no certificate \(req: Unknown option"),
        make_certificate("::"),
    ):
        pass
