"""The student's page in a phone-sized headless Chromium, driven through chromedriver by the W3C protocol.

What the benchmark of the browser and the page's tests share; nothing is to be installed beside Chromium.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
READY = "!document.getElementById('start').disabled"
STARTED = "document.getElementById('start').hidden"
DECISIONS = "Number(document.getElementById('best').dataset.decisions ?? 0)"
STORED = "return document.getElementById('best').dataset.stored"
FEED = """
for (const [t, x, y, z] of arguments[0]) {
  const told = {accelerationIncludingGravity: {x, y, z}, interval: 20};
  const event = new DeviceMotionEvent("devicemotion", told);
  Object.defineProperty(event, "timeStamp", {value: 1000 * t});
  dispatchEvent(event);
}"""
PATIENCE_S = 90  # for a busy machine: 9 MB of WebAssembly are compiled


class Browser:
    """One session. Scripts return what they `return`; `wait` polls one until it is true."""

    def __init__(self, base: str, session: str) -> None:
        self.base = f"{base}/session/{session}"

    def open(self, url: str) -> None:
        call("POST", f"{self.base}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return call("POST", f"{self.base}/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition: str, *arguments: Any) -> Any:
        """What `return CONDITION` gives as soon as that is true. Raises AssertionError after PATIENCE_S."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := self.run(f"return {condition}", *arguments):
                return found
            time.sleep(0.05)
        shown = self.run("return document.getElementById('status')?.textContent")
        raise AssertionError(f"{condition} did not become true; the page says: {shown}")

    def press(self, name: str) -> None:
        """Presses the button of that id."""
        self.run("document.getElementById(arguments[0]).click()", name)

    def start(self, url: str, agent: str = ANDROID) -> None:
        """Opens the student's page as that phone and starts its sensors."""
        self.be(agent)
        self.open(url)
        self.wait(READY)
        self.press("start")
        self.wait(STARTED)

    def feed(self, events: Sequence[Sequence[float]]) -> None:
        """Motion events, each (t in s, x, y, z in m/s^2)."""
        self.run(FEED, events)

    def decisions(self) -> int:
        """How many windows the page has scored."""
        return int(self.run(f"return {DECISIONS}"))

    def scored(self, count: int) -> list[int]:
        """The scores of the latest window, as the file stores them, once `count` windows are scored."""
        self.wait(f"{DECISIONS} >= arguments[0]", count)
        return list(json.loads(self.run(STORED)))

    def devtools(self, command: str, **parameters: Any) -> Any:
        return call("POST", f"{self.base}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(call("GET", f"{self.base}/screenshot")))

    def be(self, agent: str) -> None:
        """Calls itself a phone, as it is from the next page on."""
        self.devtools("Emulation.setUserAgentOverride", userAgent=agent)


def call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    """One command of the protocol. Raises AssertionError with the driver's words."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from error


def missing_program() -> str | None:
    """Which of the programs is not here."""
    for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)):
        if not any(shutil.which(name) for name in names):
            return f"{names[0]} is not installed: apt-get install chromium chromium-driver"
    return None


@contextlib.contextmanager
def open_chromium(downloads: Path) -> Iterator[Browser]:
    """A browser of a phone's size that takes any certificate and saves into `downloads` unasked."""
    driver = subprocess.Popen(
        [shutil.which("chromedriver"), "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = next(line for line in driver.stdout if "on port" in line and line.rstrip().endswith("."))
        base = f"http://127.0.0.1:{int(line.rstrip().rstrip('.').rsplit(' ', 1)[1])}"
        options = {
            "args": ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=390,844"]
        }
        if os.geteuid() == 0:
            options["args"].append("--no-sandbox")  # root has no sandbox
        options["binary"] = next(
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        )
        wanted = {"acceptInsecureCerts": True, "goog:chromeOptions": options}
        session = call("POST", f"{base}/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        browser = Browser(base, session)
        browser.devtools("Emulation.setDeviceMetricsOverride", **PHONE)
        browser.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        try:
            yield browser
        finally:
            call("DELETE", browser.base)
    finally:
        driver.terminate()
        driver.wait(20)
