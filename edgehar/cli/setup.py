"""`edgehar setup`: what is fetched once, into the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from edgehar.cli.options import AsJson, Debug, new_app
from edgehar.cli.output import bars, show
from edgehar.errors import InputError

EMULATOR = "emulator"

app = new_app()


@app.command(
    epilog="Example: edgehar setup emulator. Microcontrollers too: edgehar setup emulator --cortex-m"
)
def setup(
    what: Annotated[str, typer.Argument(metavar="emulator", help="What to fetch.")],
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
    if what != EMULATOR:
        raise InputError(f"There is nothing called {what!r} to set up. Type: edgehar setup {EMULATOR}")
    from firmware_sim.emulator.setup import set_up

    with bars() as bar:
        installed = set_up(cortex_m, progress=bar)
    show(installed, as_json)
