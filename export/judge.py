"""What an exported file is worth on recordings, run by its real runtime."""

from __future__ import annotations

from pathlib import Path

from edgehar.data.prepare import Progress, silent
from edgehar.judge import Evaluation, evaluation, judge, set_exam
from edgehar.runs import Run
from export.contract import read_contract
from export.parity import file_scores


def evaluate_file(
    path: Path,
    *,
    data: str | None = None,
    data_dir: str | Path | None = None,
    split: str | None = None,
    student_stream: str | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """The figures of a `.tflite` or `.onnx` file on a split's test clips.

    Of a file in a run's export folder, data and split are the run's own if none are named; of any other,
    the embedded data and the split that a data set publishes first. Raises ExportError for a file without
    a contract, InputError for data whose classes or rate are not the file's.
    """
    contract = read_contract(path)
    run = run_of(path)
    plan = run.plan if run else None
    exam = set_exam(contract, str(path), plan, data, data_dir, split, progress, student_stream)
    _, scores = file_scores(path, exam.clips.arrays["acc"])
    judged = judge(scores.argmax(axis=1), exam)
    return evaluation(
        exam,
        {path.name: judged},
        student=contract.student,
        framing=contract.framing,
        run=str(run.folder) if run else None,
        file=str(path),
    )


def run_of(path: Path) -> Run | None:
    """The run in whose export folder a file lies, if it lies in one."""
    folder = path.parent if path.parent.name else path.absolute().parent
    if folder.name == "export" and (folder.parent / "config.json").is_file():
        return Run(folder.parent)
    return None
