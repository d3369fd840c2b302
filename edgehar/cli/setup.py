"""`edgehar setup`: what is fetched once, into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import bars, show

app = new_app()


@app.callback()
def setup() -> None:
    """Fetch what some verbs need and a plain installation has not."""


@app.command(
    epilog="Example: edgehar setup emulator. Microcontrollers too: edgehar setup emulator --cortex-m"
)
def emulator(
    cortex_m: Annotated[
        bool, typer.Option("--cortex-m", help="Also emulated Cortex-M boards and their compiler.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fetch QEMU 7.2, the arm64 LiteRT and a compiler, without root, for edgehar bench --emulate.

    QEMU and the C libraries come from Debian 12's packages, LiteRT and the compiler zig from PyPI; all goes
    into $EDGEHAR_CACHE/emulator and nothing is installed. What is there already is not fetched again.
    """
    from firmware_sim.emulator.setup import set_up

    with bars() as bar:
        installed = set_up(cortex_m, progress=bar)
    show(installed, as_json)


@app.command(epilog="Example: edgehar setup web")
def web(as_json: AsJson = False, debug: Debug = False) -> None:
    """Fetch LiteRT.js with npm, for edgehar deploy: 19 MB into $EDGEHAR_CACHE/web.

    Phones get it from this computer and need no network of their own. What is there is not fetched again.
    """
    from export.litert_js import fetch_litert

    show(fetch_litert(), as_json)
