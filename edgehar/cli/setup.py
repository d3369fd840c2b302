"""`edgehar setup`: what is fetched once, into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import bars, show
from edgehar.errors import InputError

EMULATOR, WEB = "emulator", "web"

app = new_app()


@app.command(
    epilog="Example: edgehar setup emulator. Microcontrollers too: edgehar setup emulator --cortex-m. "
    "A phone's browser: edgehar setup web"
)
def setup(
    what: Annotated[str, typer.Argument(metavar="emulator|web", help="What to fetch.")],
    cortex_m: Annotated[
        bool, typer.Option("--cortex-m", help="Also emulated Cortex-M boards and their compiler.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fetch, without root, what some verbs need and a plain installation has not.

    emulator: QEMU 7.2, the arm64 LiteRT and a compiler, for edgehar bench --emulate. QEMU and the C libraries
    come from Debian 12's packages, LiteRT and the compiler zig from PyPI.

    web: LiteRT.js by npm (10 MB), for edgehar deploy and for the page in a bundle.

    All goes into $EDGEHAR_CACHE and nothing is installed. What is there already is not fetched again.
    """
    if what == WEB:
        if cortex_m:
            raise InputError("--cortex-m belongs to the emulator: leave it out.")
        from export.litert_js import fetch_litert

        show(fetch_litert(), as_json)
        return
    if what != EMULATOR:
        raise InputError(
            f"There is nothing called {what!r} to set up. Type: edgehar setup {EMULATOR} (or {WEB})"
        )
    from firmware_sim.emulator.setup import set_up

    with bars() as bar:
        installed = set_up(cortex_m, progress=bar)
    show(installed, as_json)
