"""What an export costs: processor seconds a stage, bytes beside the least, operators and arena.

Exports a run in every kind with every check (a copy, so that the run's own export stays), or the named
student untrained on generated windows where no run is given. The least size of a file is its parameters
times the bits of its weights. "Before" is the same student, number for number, written with Conv1d and batch
norms as people write it, converted and quantised as it stands; "unfolded" is ours with its batch norms.
Host latency is measured in turn, int8 against float, by LiteRT and onnxruntime.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import interleaved
from torch import Tensor, nn

from edgehar.models.depthwise import DepthwiseStudent
from edgehar.models.output import Output
from edgehar.networks import build_student
from edgehar.runs import open_run
from export.artifacts import export_student
from export.calibrate import measure_ranges
from export.convert import Scores
from export.exportable import Exportable, Windows, float_contract, from_run
from export.kinds import KINDS, Choices
from export.quantize import quantize_tflite
from export.quiet import quiet
from firmware_sim.model import read_model
from firmware_sim.runtimes.litert import LiteRtSession
from firmware_sim.runtimes.ort import OrtSession
from firmware_sim.runtimes.tflm import TflmSession

BAR_SECONDS = 60.0
BITS = {"float": 32, "fp16": 16}  # of the weights; 8 for all others
CLASSES, WINDOW, REPEATS = 27, 128, 300
FASTER = (("student.tflite", "student.int8.tflite"), ("student.onnx", "student.int8.onnx"))


class Stages:
    """Adds up the processor's seconds between the steps that an export reports: a busy machine adds none."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stage, self.since = "loading", time.process_time()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.process_time()
        self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self.since
        self.stage, self.since = what, now


def untrained(name: str) -> Exportable:
    """A student with random weights, and 128 windows of noise around gravity to calibrate and check on."""
    random = np.random.default_rng(0)
    values = random.normal([0, 9.8, 0], 4, (128, WINDOW, 3)).astype(np.float32)
    windows = Windows(values, np.arange(128) % CLASSES)
    labels = tuple(f"class {number}" for number in range(CLASSES))
    torch.manual_seed(0)
    student = build_student(name, CLASSES, WINDOW).eval()
    contract = float_contract(labels, WINDOW, student=name, framing="clip", rate_hz=None)
    return Exportable(student, contract, windows, windows, name)


class AsPeopleWriteIt(nn.Module):
    """A compact student with Conv1d, BatchNorm1d and a mean over time in the place of its 2-D operators."""

    def __init__(self, student: DepthwiseStudent) -> None:
        super().__init__()
        twin = copy.deepcopy(student)
        for name, module in list(twin.named_modules()):
            if (plain := _in_one_dimension(module)) is not None:
                parent, _, own = name.rpartition(".")
                setattr(twin.get_submodule(parent), own, plain)
        self.normalise, self.stem, self.blocks, self.fc = twin.normalise, twin.stem, twin.blocks, twin.fc

    def forward(self, acc: Tensor) -> Output:
        x = self.stem(self.normalise(acc.transpose(1, 2)))  # (N, T, 3) -> (N, 3, T)
        for block in self.blocks:
            x = block(x)
        embedding = x.mean(2)
        return Output(self.fc(embedding), embedding)


def _in_one_dimension(module: nn.Module) -> nn.Module | None:
    if isinstance(module, nn.ZeroPad2d):
        return nn.ConstantPad1d(module.padding[:2], 0.0)
    if isinstance(module, nn.BatchNorm2d):
        norm = nn.BatchNorm1d(module.num_features, affine=module.affine)
        norm.load_state_dict(module.state_dict())
        return norm
    if isinstance(module, nn.Conv2d):
        sizes = module.in_channels, module.out_channels, module.kernel_size[1], module.stride[1]
        convolution = nn.Conv1d(*sizes, groups=module.groups, bias=False)
        convolution.load_state_dict({"weight": module.weight.squeeze(2)})
        return convolution
    return None


def before(source: Exportable, folder: Path) -> dict[str, dict[str, int]]:
    """Operators and arena of the student as people write it, and of ours as it was trained."""
    found = {}
    if isinstance(source.student, DepthwiseStudent):
        plain = AsPeopleWriteIt(source.student).eval()
        some = torch.from_numpy(np.ascontiguousarray(source.test.values[:8], np.float32))
        with torch.no_grad():
            torch.testing.assert_close(plain(some).logits, source.student(some).logits, rtol=1e-4, atol=1e-4)
        float_model = _converted(plain, source)
        found["with Conv1d, float"] = _counted(float_model, folder)
        with quiet():
            ranges = measure_ranges(float_model, source.train.values[:64].astype(np.float32))
            found["with Conv1d, int8"] = _counted(quantize_tflite(float_model, "int8", ranges), folder)
    return found | {"unfolded, float": _counted(_converted(source.student, source), folder)}


def _converted(network: nn.Module, source: Exportable) -> bytes:
    import litert_torch

    example = {"acc": torch.zeros(1, *source.shape)}
    with quiet():
        return litert_torch.convert(Scores(network).eval(), sample_kwargs=example).model_content()


def _counted(model: bytes, folder: Path) -> dict[str, int]:
    path = folder / "before.tflite"
    path.write_bytes(model)
    return {
        "operators": len(read_model(path).operators),
        "arena_bytes": TflmSession(path).arena()["total"],
        "activation_bytes": _activations(path),
        "bytes": len(model),
    }


def _activations(path: Path) -> int:
    """The part of TFLite-Micro's arena that is planned by lifetimes."""
    return TflmSession(path).arena()["head"]


def latency(one: Path, other: Path) -> tuple[float, float]:
    """Median microseconds of an inference of two files, timed in turn."""
    calls = []
    for path in (one, other):
        session: Any = OrtSession(path) if path.suffix == ".onnx" else LiteRtSession(path)
        inputs = [np.zeros(port.shape, port.dtype) for port in session.inputs]
        calls.append(lambda session=session, inputs=inputs: session.infer(inputs))
    first, second = (1e3 * found for found in interleaved(REPEATS, *calls))
    return first, second


def measure(source: Exportable, folder: Path) -> dict[str, Any]:
    """All figures of one export into `folder`."""
    stages = Stages()
    began = time.perf_counter()
    kinds = tuple(kind for kind in KINDS if kind != "float")
    report = export_student(source, folder / "export", Choices(kinds=kinds), stages)
    stages("end", 0, 0)
    seconds = time.perf_counter() - began
    parameters = sum(p.numel() for p in source.student.parameters())
    files = {
        name: {
            "bytes": file.bytes,
            "least_bytes": parameters * BITS.get(file.kind, 8) // 8,
            "operators": sum(file.operators.values()),
            "arena_bytes": file.arena_bytes,
            "activation_bytes": _activations(report.folder / name) if file.arena_bytes else None,
            "accuracy": file.accuracy,
            "agreement": file.agreement,
            "passed": file.passed,
        }
        for name, file in report.files.items()
    }
    pairs = {one: latency(report.folder / one, report.folder / other) for one, other in FASTER}
    return {
        "student": source.contract.student,
        "parameters": parameters,
        "seconds": seconds,
        "cpu_seconds": sum(stages.seconds.values()),
        "stages": stages.seconds,
        "before": before(source, folder),
        "accuracy": report.student_accuracy,
        "files": files,
        "latency_us": {name: {"float": slow, "int8": fast} for name, (slow, fast) in pairs.items()},
    }


def show(found: dict[str, Any]) -> None:
    """The figures as lines of text."""
    print(f"{found['student']}: {found['parameters']:,} parameters, float accuracy {found['accuracy']:.2%}")
    for stage, seconds in sorted(found["stages"].items(), key=lambda item: -item[1]):
        print(f"  {seconds:6.2f} s  {stage}")
    by_clock = f"{found['seconds']:.0f} s by the clock"
    print(f"  {found['cpu_seconds']:6.2f} s  in all (bar {BAR_SECONDS:g} s), {by_clock}")
    for name, was in found["before"].items():
        print(
            f"before, {name}: {was['bytes']:,} bytes, {was['operators']} operators, "
            f"arena {was['arena_bytes']:,}, of it activations {was['activation_bytes']:,}"
        )
    for name, file in found["files"].items():
        arena = "-"
        if file["arena_bytes"] is not None:
            arena = f"{file['arena_bytes']:,}, of it activations {file['activation_bytes']:,}"
        print(
            f"{name}: {file['bytes']:,} bytes, {file['bytes'] / file['least_bytes']:.2f} x the least, "
            f"{file['operators']} operators, arena {arena}, accuracy {file['accuracy']:.2%}, "
            f"agreement {file['agreement']:.2%}{'' if file['passed'] else ', FAILED'}"
        )
    for name, pair in found["latency_us"].items():
        print(f"{name}: int8 is {pair['float'] / pair['int8']:.2f} x as fast here")


def main() -> int:
    """Prints the figures; exit code 1 if the export takes longer than the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a run folder, whose student and clips are used")
    parser.add_argument("--seed", type=int, help="of the run; default its first")
    parser.add_argument("--student", default="acc-watch", help="untrained, where there is no run")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    with quiet():
        source = from_run(open_run(options.run), options.seed) if options.run else untrained(options.student)
    folder = Path(tempfile.mkdtemp())
    try:
        found = measure(source, folder)
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(found | {"bar_seconds": BAR_SECONDS}))
    else:
        show(found)
    return 0 if found["cpu_seconds"] <= BAR_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
