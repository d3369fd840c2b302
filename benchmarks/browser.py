"""A student in a headless, phone-sized Chromium (LiteRT.js) against LiteRT in this process, in one run.

Both take a window in m/s^2 and give scores, quantised where the file is int8; LiteRT is called from Python.
`in a row`: rounds of inferences one after another, by turns there and here; the fastest round of each,
which a busy machine disturbed least. `after a pause`: the median of inferences with a pause before each,
as the page makes them. Needs chromium, chromedriver and `edgehar setup web`.

    python benchmarks/browser.py runs/walk/export/student.int8.tflite
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from chromium import Browser, missing_program, open_chromium

from export.contract import InputContract, read_contract
from export.deploy import SiteServer, site
from export.push import stored
from firmware_sim.runtimes.litert import LiteRtSession

BAR = 10.0  # times LiteRT's time in a row, on this machine
ROUNDS, EACH = 100, 20
PAUSES, PAUSE_S = 25, 0.1
STEPS = 2  # of the output scale
PREPARE = """return (async (contract) => {
  const { loadAndCompile } = await import('/litert/core.js');
  const { Student } = await import('/student.js');
  globalThis.measured = new Student(contract, await loadAndCompile(contract.model, { accelerator: 'wasm' }));
})(arguments[0])"""
ROUND = """return (async (values, count, pause_ms) => {
  const window = Float32Array.from(values);
  const times = [];
  let found;
  const begun = performance.now();
  for (let i = 0; i < count; i += 1) {
    if (pause_ms) await new Promise((next) => setTimeout(next, pause_ms));
    found = await measured.score(window);
    times.push(found.ms);
  }
  return { all_ms: performance.now() - begun, times, stored: found.stored };
})(...arguments)"""


class Native:
    """LiteRT here, doing what the page's Student does."""

    def __init__(self, path: Path, contract: InputContract) -> None:
        self.session, self.contract = LiteRtSession(path), contract

    def score(self, window: np.ndarray) -> np.ndarray:
        """Scores as the file stores them, (classes,); the page's way from numbers to numbers."""
        port = self.contract.input
        taken = np.frombuffer(stored(window[None], port), port.dtype).reshape(port.shape)
        return self.session.infer([taken])[0][0]

    def round(self, window: np.ndarray, count: int, pause_s: float = 0.0) -> list[float]:
        """Milliseconds of each of `count` inferences."""
        times = []
        for _ in range(count):
            time.sleep(pause_s)
            begun = time.perf_counter()
            self.score(window)
            times.append(1e3 * (time.perf_counter() - begun))
        return times


def in_turns(browser: Browser, native: Native, window: np.ndarray) -> dict[str, dict[str, float]]:
    """Milliseconds of an inference, there and here, in a row and after a pause."""
    values = window.reshape(-1).astype(float).tolist()
    rows: dict[str, list[float]] = {"browser": [], "litert": []}
    for _ in range(ROUNDS):
        rows["browser"].append(browser.run(ROUND, values, EACH, 0)["all_ms"] / EACH)
        rows["litert"].append(statistics.fmean(native.round(window, EACH)))
    paused = {
        "browser": browser.run(ROUND, values, PAUSES, 1e3 * PAUSE_S)["times"],
        "litert": native.round(window, PAUSES, PAUSE_S),
    }
    return {
        name: {"in_a_row": min(rows[name]), "after_a_pause": statistics.median(paused[name])} for name in rows
    }


def largest_difference(browser: Browser, native: Native, windows: np.ndarray) -> int | float:
    """Between the scores there and here, as the file stores them."""
    found = [browser.run(ROUND, w.reshape(-1).astype(float).tolist(), 1, 0)["stored"] for w in windows]
    here = [native.score(window) for window in windows]
    return (np.abs(np.array(found, float) - np.array(here, float)).max()).item()


def measure(path: Path) -> dict[str, Any]:
    """What is shown, of one file."""
    contract = read_contract(path)
    rng = np.random.default_rng(0)
    windows = rng.normal([0, 0, 9.81], 4, (8, *contract.input.shape[1:])).astype(np.float32)
    server, native = SiteServer(site(path), 0, "127.0.0.1"), Native(path, contract)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, open_chromium(Path(folder)) as browser:
        browser.start(f"http://127.0.0.1:{server.server_port}/")
        browser.run(PREPARE, contract.to_json() | {"model": path.name})
        apart = largest_difference(browser, native, windows)
        ms = in_turns(browser, native, windows[0])
        version = browser.devtools("Browser.getVersion")["product"]
    server.shutdown()
    server.server_close()
    ratios = {way: ms["browser"][way] / ms["litert"][way] for way in ms["litert"]}
    return {
        "model": str(path),
        "chromium": version,
        "ms": ms,
        "ratios": ratios,
        "apart": apart,
        "met": ratios["in_a_row"] <= BAR and apart <= (STEPS if contract.output.dtype == "int8" else 1e-4),
    }


def main() -> int:
    """Prints times, ratios and how far the scores are apart; exit code 1 if a file misses a bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, help=".tflite files that edgehar exported")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    words = parser.parse_args()
    if (missing := missing_program()) is not None:
        parser.error(missing)
    found = [measure(path) for path in words.models]
    if words.json:
        print(json.dumps({"bar": BAR, "found": found}))
    for one in [] if words.json else found:
        print(f"{one['model']}, {one['chromium']}: scores at most {one['apart']:g} apart (int8: steps)")
        for way, ratio in one["ratios"].items():
            there, here = one["ms"]["browser"][way], one["ms"]["litert"][way]
            bar = f" (bar {BAR:g} x)" if way == "in_a_row" else ""
            print(f"  {way.replace('_', ' ')}: {there:.3f} ms, LiteRT here {here:.3f} ms: {ratio:.1f} x{bar}")
    return 0 if all(one["met"] for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
