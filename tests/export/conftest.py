"""Two small students, trained for seconds on generated motions, and what export makes of them."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgehar.models.depthwise import DepthwiseStudent
from edgehar.models.output import Output
from edgehar.signals.gaf import GramianAngularField
from export.kinds import Choices
from export.litert_js import FILES, litert_folder

CHROMIUM = Path(__file__).resolve().parents[2] / "benchmarks" / "chromium.py"
LITERT = litert_folder()  # of the user: EDGEHAR_CACHE is pointed elsewhere once the tests run
WINDOW = 64
LABELS = ("rest", "wave", "knock", "größer")  # one beyond ASCII
CLIPS = {"train": 240, "test": 120}
INT8 = Choices(kinds=("int8",))


def motions(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Windows (N, 64, 3) in m/s^2 of four motions that differ in rate and axis, and their labels (N,)."""
    rng = np.random.default_rng({"train": 1, "test": 2}[part])
    count = CLIPS[part]
    labels = np.arange(count) % len(LABELS)
    time = np.arange(WINDOW) / 50  # s
    windows = rng.normal(0, 0.6, (count, WINDOW, 3)) + np.array([0.0, 9.81, 0.0])
    for window, label in zip(windows, labels, strict=True):
        rate_hz, size = 1 + 1.5 * label + rng.normal(0, 0.3), 3 * label + rng.normal(0, 0.5)
        window[:, label % 3] += size * np.sin(2 * np.pi * rate_hz * time + rng.uniform(0, 6))
    return windows.astype(np.float32), labels.astype(np.int64)


class PictureNet(nn.Module):
    """A small convolution network with one residual step on pictures (N, 3, 16, 16)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 12, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 12, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(12)
        self.fc = nn.Linear(12, classes)

    def forward(self, x: Tensor) -> Output:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(x + self.bn2(self.conv2(x)))
        embedding = F.avg_pool2d(x, x.shape[2:]).flatten(1)
        return Output(self.fc(embedding), embedding, {"conv2": x})


class PictureStudent(nn.Module):
    """A Gramian angular field in the graph, and a network on it."""

    float_parts = ("gaf",)

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.gaf = GramianAngularField(WINDOW, 16)
        self.net = PictureNet(classes)

    def forward(self, acc: Tensor) -> Output:
        return self.net(self.gaf(acc))


@dataclass
class SmallRun:
    """What export asks of a run, held in memory."""

    folder: Path
    trained: nn.Module
    labels: tuple[str, ...] = LABELS
    seeds: tuple[int, ...] = (0, 1)
    framing: str = "clip"
    rate_hz: float | None = 50.0
    window: int = WINDOW
    plan: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(student="acc-small"))

    def student(self, seed: int | None = None) -> nn.Module:
        return self.trained

    def clips(self, part: str, *streams: str) -> SimpleNamespace:
        windows, labels = motions(part)
        return SimpleNamespace(arrays={"acc": windows}, labels=labels, subjects=people(part))


def people(part: str) -> np.ndarray:
    """Who made each of `motions(part)`: three people, every class in turn."""
    return np.array([f"{part}-{number // len(LABELS) % 3}" for number in range(CLIPS[part])])


def train(student: nn.Module) -> nn.Module:
    """60 steps of Adam on the motions; enough for most decisions to be clear."""
    windows, labels = (torch.from_numpy(array) for array in motions("train"))
    optimiser = torch.optim.Adam(student.parameters(), 1e-2)
    student.train()
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(student(windows).logits, labels).backward()
        optimiser.step()
    return student.eval()


@pytest.fixture(scope="session")
def conv_student() -> nn.Module:
    torch.manual_seed(0)
    return train(
        DepthwiseStudent(len(LABELS), WINDOW, widths=(8, 12, 16), strides=(1, 2, 2), kernel=9, dropout=0.0)
    )


@pytest.fixture(scope="session")
def picture_student() -> nn.Module:
    torch.manual_seed(0)
    return train(PictureStudent(len(LABELS)))


@pytest.fixture(scope="session")
def train_windows() -> np.ndarray:
    return motions("train")[0]


@pytest.fixture(scope="session")
def small_run():
    """The class, so that tests can make runs of their own."""
    return SmallRun


@pytest.fixture(scope="session")
def conv_export(conv_student, tmp_path_factory):
    """A report of all four files of the convolution student, in a folder that tests must not change."""
    from export.artifacts import export_run

    return export_run(SmallRun(tmp_path_factory.mktemp("conv"), conv_student), INT8)


@pytest.fixture(scope="session")
def picture_export(picture_student, tmp_path_factory):
    from export.artifacts import export_run

    run = SmallRun(tmp_path_factory.mktemp("picture"), picture_student, rate_hz=None)
    return export_run(run, INT8)


@pytest.fixture(scope="session")
def conv_tflite(conv_student) -> bytes:
    """The float `.tflite` as the converter gives it."""
    from export.convert import to_tflite
    from export.quiet import quiet

    with quiet():
        return to_tflite(conv_student, WINDOW)


@pytest.fixture(scope="session")
def conv_onnx(conv_student):
    from export.convert import to_onnx
    from export.quiet import quiet

    with quiet():
        return to_onnx(conv_student, WINDOW)


@pytest.fixture(scope="session")
def picture_onnx(picture_student):
    from export.convert import to_onnx
    from export.quiet import quiet

    with quiet():
        return to_onnx(picture_student, WINDOW)


FIGURE = {"accuracy": {"per_seed": [0.9], "mean": 0.9, "std": None}}
FIGURE["macro_f1"] = FIGURE["accuracy"]


@dataclass
class FinishedRun:
    """What a bundle asks of a run folder, around a small run."""

    small: object
    folder: Path

    config = {  # noqa: RUF012 (never changed)
        "plan": {
            "data": "motions",
            "split": "cross-subject",
            "method": "vskd",
            "loss": "dask",
            "teachers": ["rgb"],
        }
    }
    metrics = {"teachers": {"rgb": FIGURE}, "baseline": FIGURE, "student": FIGURE, "seeds": [0]}  # noqa: RUF012

    def clips(self, part: str, *streams: str):
        small = self.small.clips(part, *streams)
        subjects = np.array(["1", "3"] if part == "train" else ["2", "10"])[small.labels % 2]
        return SimpleNamespace(arrays=small.arrays, labels=small.labels, subjects=subjects)


@pytest.fixture
def bundled_run(conv_export, small_run, tmp_path) -> FinishedRun:
    """A run folder with its export and its C."""
    from export.c.of import c_of_run

    (tmp_path / "run" / "export").mkdir(parents=True)
    for file in conv_export.folder.iterdir():
        (tmp_path / "run" / "export" / file.name).write_bytes(file.read_bytes())
    found = FinishedRun(small_run(tmp_path / "run", None), tmp_path / "run")
    c_of_run(found)
    return found


@pytest.fixture(scope="session")
def without():
    """`without(reason, unless=word)` skips a test, or fails it where EDGEHAR_REQUIRE holds the word."""
    required = os.environ.get("EDGEHAR_REQUIRE", "").replace(",", " ").split()

    def leave(reason: str, unless: str) -> None:
        (pytest.fail if unless in required else pytest.skip)(reason)

    return leave


@pytest.fixture(scope="session")
def chromium(without):
    """The module that drives a phone-sized Chromium; skips where that or LiteRT.js is absent (`chromium`)."""
    spec = importlib.util.spec_from_file_location("chromium", CHROMIUM)
    tools = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tools)
    reason = tools.missing_program()
    if reason is None and not all((LITERT / name).is_file() for name in FILES):
        reason = "LiteRT.js is not here: edgehar setup web"
    if reason:
        without(reason, unless="chromium")
    return tools


@pytest.fixture(scope="session")
def litert_js(chromium) -> Path:
    """The folder of LiteRT.js that the user fetched."""
    return LITERT


@pytest.fixture(scope="session")
def downloads(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def browser(chromium, downloads):
    with chromium.open_chromium(downloads) as opened:
        yield opened


@pytest.fixture(scope="session")
def load_beside():
    """`load_beside("name")` imports name.py of this folder, which is no package."""

    def load(name: str):
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
