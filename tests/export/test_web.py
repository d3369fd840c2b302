"""The page in a phone-sized headless Chromium: motion events in, classes, sentences and files out."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from edgehar.signals.resample import resample
from export.certificate import make_certificate
from export.contract import read_contract
from export.deploy import SiteServer, own_address, site
from export.parity import file_scores
from export.tflite_file import with_contract

G = 9.80665
STEPS = 2  # of the output scale, by which WebAssembly's kernels may round otherwise
STATUS = "return document.getElementById('status').textContent"
MOTION = "const motion = await import('/motion.js'); "


@pytest.fixture(scope="module")
def model(conv_export) -> Path:
    """64 samples at 50 Hz, four classes."""
    return conv_export.folder / "student.int8.tflite"


@pytest.fixture(scope="module")
def clip_model(model, tmp_path_factory) -> Path:
    """The same network as of clips of mixed length."""
    contract = dataclasses.replace(read_contract(model), rate_hz=None)
    path = tmp_path_factory.mktemp("clips") / "student.int8.tflite"
    path.write_bytes(with_contract(model.read_bytes(), contract))
    return path


@pytest.fixture
def serve(litert_js):
    """`serve(model)` is the address of a page with that student."""
    servers = []

    def start(model: Path, change=None, context=None, host="localhost") -> str:
        pages = site(model, litert_js)
        pages.update(change or {})
        server = SiteServer(pages, 0, context=context)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"{'https' if context else 'http'}://{host}:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def recordings(data_set) -> list[np.ndarray]:
    """Accelerometer of one subject's 27 actions, each (T, 3) in m/s^2 at 50 Hz."""
    from scipy.io import loadmat

    paths = sorted((data_set("UTD-MHAD") / "Inertial").glob("a*_s2_t1_*.mat"))
    return [loadmat(path)["d_iner"][:, :3] * G for path in paths]


def events(values: np.ndarray, begin: float = 10.0, rate: float = 50.0, sign: int = 1) -> list[list[float]]:
    times = begin + np.arange(len(values)) / rate
    return np.column_stack([times, sign * values]).tolist()


def expected(path: Path, windows: np.ndarray) -> np.ndarray:
    """What LiteRT here gives, as the file stores it: (N, classes) of integers."""
    port = read_contract(path).output
    return np.round(file_scores(path, windows)[1] / port.scale) + port.zero_point


@pytest.mark.parametrize(("agent", "sign"), [("ANDROID", 1), ("IPHONE", -1)])
def test_scores_of_a_stream_are_those_of_litert(browser, chromium, serve, model, recordings, agent, sign):
    browser.start(serve(model), getattr(chromium, agent))
    stream = np.concatenate(recordings[:6])[: 64 + 25 * 19]
    windows = np.stack([stream[begin : begin + 64] for begin in range(0, 25 * 20, 25)])
    want = expected(model, windows.astype(np.float32))
    told = events(stream, sign=sign)
    for number, end in enumerate(range(64, 64 + 25 * 20, 25)):
        browser.feed(told[max(end - 25, 0) if number else 0 : end])
        got = np.array(browser.scored(number + 1))
        assert np.abs(got - want[number]).max() <= STEPS
        label = read_contract(model).labels[int(got.argmax())]
        assert browser.run("return document.getElementById('label').textContent") == label
    assert len(np.unique(want.argmax(axis=1))) > 1, "a page that always says one class would pass"
    told = browser.run("return document.getElementById('inference').textContent")
    assert re.fullmatch(r"[\d.]+ ms \(median of 20\)", told)
    assert "50 Hz" in browser.run("return document.getElementById('sensor').textContent")
    assert browser.run("return innerWidth") == 390
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    painted = "document.getElementById('history').getContext('2d').getImageData(0, 0, 640, 240).data"
    assert browser.run(f"return {painted}.filter((value, at) => at % 4 === 3 && value === 255).length") > 1000


def test_the_battery_that_it_means_is_time_times_power(browser, serve, model, recordings):
    browser.start(serve(model))
    battery = "return document.getElementById('battery').textContent"
    assert browser.run(battery) == "needs the power"
    browser.run("document.getElementById('watts').value = '1.5'")
    browser.feed(events(recordings[0][:64]))
    browser.scored(1)
    ms = float(browser.run("return document.getElementById('inference').textContent").split()[0])
    each, running = map(float, re.findall(r"([\d.]+) m[JW]", browser.run(battery)))
    assert each == pytest.approx(1.5 * ms, abs=0.02)
    assert running == pytest.approx(each / 0.5, abs=0.02)  # a decision each half second
    assert "sensor and screen not counted" in browser.run(battery)


def test_a_file_of_whole_clips_takes_one_action(browser, chromium, serve, clip_model, recordings):
    browser.be(chromium.ANDROID)
    browser.open(serve(clip_model))
    browser.wait(chromium.READY)
    assert "not for streaming" in browser.run(STATUS)
    browser.press("start")
    browser.wait("!document.getElementById('capture').disabled")
    want = expected(clip_model, np.stack([resample(values, 64) for values in recordings]))
    for number, values in enumerate(recordings):
        browser.press("capture")
        browser.feed(events(values, begin=100.0 * (number + 1)))
        assert browser.decisions() == number
        browser.press("capture")
        assert np.abs(browser.scored(number + 1) - want[number]).max() <= STEPS


def test_recorded_sessions_pass_data_check(
    browser, chromium, serve, model, recordings, downloads, edgehar, without
):
    browser.start(serve(model))
    actions = {"swipe, left": recordings[0], "jog": recordings[21]}
    begin = 10.0
    rng = np.random.default_rng(0)
    for subject in ("anna", "ben"):
        for trial in ("1", "2"):
            for label, values in actions.items():
                fill = "document.getElementById(arguments[0]).value = arguments[1]"
                browser.run(fill, "session-label", label)
                browser.run(fill, "session-subject", subject)
                browser.press("record")
                values = values + rng.normal(0, 0.01, values.shape)
                browser.feed(events(values, begin))
                browser.press("record")
                name = f"{label.replace(', ', '-')}_{subject}_{trial}.csv"
                _until(lambda name=name: (downloads / name).is_file())
                begin += 100
    browser.press("manifest")
    _until((downloads / "manifest.csv").is_file)
    checked = edgehar("data", "check", downloads / "manifest.csv", "--json")
    assert checked.exit_code == 0, checked.stdout + checked.stderr
    told = json.loads(checked.stdout)
    assert "error" not in [finding["grave"] for finding in told["findings"]]
    written = np.loadtxt(downloads / "jog_anna_1.csv", delimiter=",", skiprows=1)
    assert written.shape == (len(recordings[21]), 4)
    assert np.abs(written[:, 1:] - recordings[21]).max() < 0.1
    assert np.allclose(written[:, 0], np.arange(len(written)) / 50, atol=1e-3)


def _until(condition) -> None:
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("did not come")


def test_it_works_on_without_the_network(browser, litert_js, model, recordings):
    pages = site(model, litert_js)
    server = SiteServer(pages, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://localhost:{server.server_port}/"
    browser.start(url)
    browser.wait("document.getElementById('offline').textContent === 'kept for later'")
    server.shutdown()
    server.server_close()
    browser.start(url)
    browser.feed(events(recordings[0][:64]))
    want = expected(model, recordings[0][None, :64].astype(np.float32))[0]
    assert np.abs(browser.scored(1) - want).max() <= STEPS


def test_over_tls_with_a_certificate_made_on_the_spot(browser, chromium, serve, model):
    with make_certificate("127.0.0.1") as certificate:
        browser.start(serve(model, context=certificate.context, host="127.0.0.1"))
        assert browser.run("return isSecureContext && location.protocol") == "https:"


def test_a_file_that_the_browser_cannot_run_is_said(browser, serve, model):
    broken = {f"/{model.name}": b"TFL3 cut short"}
    browser.open(serve(model, broken))
    browser.wait("document.getElementById('status').classList.contains('fault')")
    assert "cannot run student.int8.tflite" in browser.run(STATUS)
    assert browser.run("return document.getElementById('start').disabled")


def test_missing_sensors_and_permission_are_said(browser, chromium, serve, model):
    url = serve(model)
    browser.open(url)
    browser.wait(chromium.READY)
    browser.run("DeviceMotionEvent.requestPermission = async () => 'denied'")
    browser.press("start")
    browser.wait("document.getElementById('status').textContent.startsWith('Motion was not permitted')")
    browser.run("DeviceMotionEvent.requestPermission = async () => 'granted'")
    browser.press("start")
    browser.run("dispatchEvent(new DeviceMotionEvent('devicemotion', {}))")  # as a computer's browser does
    browser.wait("document.getElementById('status').textContent.startsWith('No motion events come')")
    browser.open(url)
    browser.wait(chromium.READY)
    browser.run("globalThis.DeviceMotionEvent = undefined")
    browser.press("start")
    browser.wait("document.getElementById('status').textContent.startsWith('This browser has no motion')")


def test_a_page_that_is_not_secure_is_said(browser, chromium, serve, model):
    if own_address() == "127.0.0.1":
        pytest.skip("no network, and localhost is secure")
    browser.open(serve(model, host=own_address()))
    browser.wait(chromium.READY)
    assert not browser.run("return isSecureContext")
    browser.press("start")
    browser.wait(
        "document.getElementById('status').textContent.startsWith('Motion sensors need a secure page')"
    )
    assert browser.run("return document.getElementById('offline').textContent") == "while this page is open"


def test_a_flat_phone_shows_which_way_its_axes_go(browser, chromium, serve, model):
    browser.start(serve(model))
    upside_down = np.tile([0.1, 0.2, -9.7], (20, 1))
    browser.feed(events(upside_down))
    browser.press("flat")
    assert "turned now" in browser.run(STATUS)
    browser.feed(events(upside_down, begin=11.0))
    assert browser.run("return document.getElementById('sensor').textContent").startswith("-0.1, -0.2, 9.7")
    browser.press("flat")
    assert "axes are right" in browser.run(STATUS)
    browser.feed(events(np.tile([9.7, 0, 0], (20, 1)), begin=12.0))
    browser.press("flat")
    assert "does not lie flat" in browser.run(STATUS)


@pytest.fixture
def framed(browser, serve, model):
    """`framed(times, values, rate, length)` is what the page's Framer holds in the end, (n, 3)."""
    browser.open(serve(model))

    def frame(times: np.ndarray, values: np.ndarray, rate: float, length: int) -> np.ndarray:
        script = f"""return (async ([rows, rate, length]) => {{ {MOTION}
          const framer = new motion.Framer(rate, length);
          for (const [t, ...xyz] of rows) framer.push({{t, xyz}});
          return framer.ring; }})(arguments)"""
        rows = np.column_stack([times, values]).tolist()
        return np.array(browser.run(script, rows, rate, length))

    return frame


def test_uneven_events_become_even_samples(framed):
    rng = np.random.default_rng(3)
    times = 5 + np.arange(200) / 60 + rng.uniform(-0.004, 0.004, 200)
    values = rng.normal(0, 5, (200, 3))
    at = times[0] + np.arange(int((times[-1] - times[0]) * 50) + 1) / 50
    want = np.column_stack([np.interp(at, times, column) for column in values.T])
    assert framed(times, values, 50, 1000) == pytest.approx(want, abs=1e-6)


def test_what_the_students_rate_cannot_hold_is_taken_out(framed):
    times = np.arange(800) / 200
    fast = np.outer(np.sin(2 * np.pi * 49 * times), [1, 1, 1])  # would fold to 1 Hz at 50 Hz
    slow = np.outer(np.sin(2 * np.pi * 2 * times), [1, 1, 1])
    assert np.abs(framed(times, fast, 50, 150)).max() < 0.3
    assert np.abs(framed(times, slow, 50, 150)).max() > 0.95


def test_a_pause_begins_the_window_anew_and_late_events_are_left_out(framed):
    times = np.concatenate([np.arange(50) / 50, 5 + np.arange(20) / 50])
    values = np.column_stack([times, times, times])
    assert framed(times, values, 50, 100)[:, 0] == pytest.approx(times[50:], abs=1e-6)
    late = np.concatenate([times[:50], times[20:30], times[49:50] + 0.02])
    values = np.column_stack([late, late, late])
    assert framed(late, values, 50, 100)[:, 0] == pytest.approx(np.arange(51) / 50, abs=1e-6)


@pytest.mark.parametrize(
    ("agent", "touches", "sign"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", 5, -1),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 5, -1),  # an iPad that asks for desktop pages
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", 0, 1),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8)", 5, 1),
    ],
)
def test_ios_signs_are_turned(browser, serve, model, agent, touches, sign):
    browser.open(serve(model))
    script = f"return (async (one) => {{ {MOTION} return motion.signOf(one) }})(arguments[0])"
    assert browser.run(script, {"userAgent": agent, "maxTouchPoints": touches}) == sign
