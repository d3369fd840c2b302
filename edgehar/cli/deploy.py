"""`edgehar deploy`: a student in a phone's browser, or its files on a phone behind adb."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgehar.cli.options import AsJson, Debug, RunOrFileArg, new_app
from edgehar.cli.output import console, show
from edgehar.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from export.deploy import Served
    from export.push import Pushed

app = new_app()
TLS_PORT, PLAIN_PORT = 8443, 8080


@app.command(
    epilog="Example: edgehar deploy. With a cable: edgehar deploy --no-tls. "
    "Model and golden windows onto a phone: edgehar deploy runs/walk --adb"
)
def deploy(
    run: RunOrFileArg = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", help=f"Default {TLS_PORT}; {PLAIN_PORT} without TLS.", show_default=False
        ),
    ] = None,
    no_tls: Annotated[
        bool,
        typer.Option("--no-tls", help="Plain http: sensors work on this computer or by adb reverse alone."),
    ] = False,
    adb: Annotated[bool, typer.Option("--adb", help="Push model and golden windows to a phone.")] = False,
    serial: Annotated[
        str | None, typer.Option("--serial", help="Which phone, where adb sees several.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run a student in a phone's browser: serves the page on the local network until Ctrl-C.

    The address is printed as a QR code. The certificate is made on the spot, so the phone asks once whether
    to go on. Without a phone at hand, any browser shows the page.
    """
    if adb:
        if no_tls or port is not None:
            raise InputError("--adb serves nothing: leave out --port and --no-tls.")
        _push(run, serial, as_json)
    elif serial is not None:
        raise InputError("--serial chooses a phone for --adb: add --adb, or leave it out.")
    else:
        _serve(run, (PLAIN_PORT if no_tls else TLS_PORT) if port is None else port, not no_tls, as_json)


def _serve(run: Path | None, port: int, tls: bool, as_json: bool) -> None:
    from export.certificate import make_certificate
    from export.contract import read_contract
    from export.deploy import Served, SiteServer, own_address, site

    model = _model(run)
    pages, contract = site(model), read_contract(model)
    address = own_address()
    with ExitStack() as held:
        certificate = held.enter_context(make_certificate(address)) if tls else None
        context = certificate.context if certificate else None
        server = held.enter_context(SiteServer(pages, port, context=context))
        url = f"{'https' if tls else 'http'}://{address}:{server.server_port}/"
        served = Served(
            url=url,
            model=str(model),
            student=contract.student,
            rate_hz=contract.rate_hz,
            streams=contract.rate_hz is not None,
            fingerprint=certificate.fingerprint if certificate else None,
        )
        show(served, as_json, view)
        try:
            server.serve_forever()
        except KeyboardInterrupt:  # the way to end it, so not an interruption
            console.print("Stopped.")


def _model(run: Path | None) -> Path:
    """The model that is meant: a `.tflite` FILE itself, else that of a run."""
    if run is not None and run.suffix == ".tflite":
        return run
    if run is not None and run.is_file():
        raise InputError(f"{run} is no .tflite file, which the page and phones run; name one, or a run.")
    from edgehar.runs import find_run
    from export.deploy import model_of

    return model_of(find_run(run))


def _push(run: Path | None, serial: str | None, as_json: bool) -> None:
    from edgehar.runs import find_run, open_run
    from export.push import push_student

    if run is not None and run.is_file():
        raise InputError(f"{run} is a file, and the golden windows come from a run: name its run.")
    show(push_student(open_run(find_run(run)), serial), as_json, view_pushed)


def view(served: Served) -> RenderableType:
    """The address as a QR code and as text, and what to expect of it."""
    import segno
    from rich.console import Group
    from rich.text import Text

    drawn = io.StringIO()
    segno.make(served.url, error="l").terminal(drawn, border=2, compact=True)
    lines = [
        Text.from_ansi(drawn.getvalue()),
        Text(served.url, style="bold"),
        Text(f"{served.student} from {served.model}. Ctrl-C stops."),
    ]
    if served.fingerprint is None:
        lines.append(
            Text("Without TLS a phone gives no motion to this address; by cable it does: docs/phone.md")
        )
    else:
        lines.append(Text("The phone warns that it does not know the certificate: go on. Its SHA-256:"))
        lines.append(Text(served.fingerprint))
    if not served.streams:
        lines.append(Text("The file was trained on whole clips: the page takes one action at a time."))
    return Group(*lines)


def view_pushed(pushed: Pushed) -> RenderableType:
    """What lies where on the phone."""
    from edgehar.cli.output import plain, tables

    return tables(plain(pushed))
