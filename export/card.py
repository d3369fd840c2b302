"""MODEL_CARD.md: what a student was made from, what it can do, and where that ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export.contract import InputContract


def model_card(
    plan: Mapping[str, Any],
    metrics: Mapping[str, Any],
    told: Mapping[str, Any],
    contract: InputContract,
    subjects: Mapping[str, Sequence[str]],
) -> str:
    """plan: of config.json. metrics: metrics.json. told: export.json.

    subjects: of "train" and "test", one entry a clip.
    """
    teachers = ", ".join(plan["teachers"]) or "none"
    return (
        f"# Model card: {contract.student}\n\n"
        f"Recognises {len(contract.labels)} actions from a wrist's accelerometer. Distilled by edgehar with "
        f"the method {plan['method']} (loss {plan['loss']}); teachers: {teachers}.\n\n"
        "## Data\n\n"
        f"{plan['data']}, split {plan['split']}. A clip is {_framing(contract)}.\n\n"
        f"- training: {_part(subjects['train'])}\n"
        f"- test: {_part(subjects['test'])}\n\n"
        f"Classes: {', '.join(contract.labels)}.\n\n"
        "## Figures\n\n"
        f"{_figures(metrics)}\n\n"
        f"The files here are seed {told['seed']}'s, on the same test clips:\n\n"
        f"{_files(told)}\n\n"
        "## Intended use\n\n"
        "Telling these actions apart on a device that is worn as in the recordings. Not for medical or "
        "safety decisions, nor for judging people.\n\n"
        "## Limits\n\n"
        "- It answers with one of its classes whatever it is fed: there is no class for anything else.\n"
        "- Other sensors, rates, places on the body and ways of wearing were not tested.\n"
        f"- {_people(subjects)}\n{_stream_limit(contract)}\n"
        "## Licence\n\n"
        "The code that edgehar writes is under Apache-2.0. The weights were learned from the recordings: "
        "their data set's terms hold for them.\n"
    )


def _part(subjects: Sequence[str]) -> str:
    names = sorted(set(subjects), key=lambda name: (len(name), name))
    return f"{len(subjects)} clips of {len(names)} subjects ({', '.join(names)})"


def _people(subjects: Mapping[str, Sequence[str]]) -> str:
    if not set(subjects["train"]) & set(subjects["test"]):
        return "The test subjects are few: a stranger's accuracy may be some points away."
    return "Test and training share people: expect less for a stranger."


def _framing(contract: InputContract) -> str:
    if contract.rate_hz:
        return f"{contract.window} samples at {contract.rate_hz:g} Hz"
    return f"a whole action resampled to {contract.window} samples"


def _stream_limit(contract: InputContract) -> str:
    if contract.rate_hz:
        return ""
    return "- It knows whole actions from their beginning to their end: it is not for a running stream.\n"


def _figures(metrics: Mapping[str, Any]) -> str:
    rows = [(f"teacher: {name}", found) for name, found in metrics.get("teachers", {}).items()]
    rows += [("baseline, no teacher", metrics.get("baseline")), ("student", metrics.get("student"))]
    lines = [
        f"| {name} | {_mean(found['accuracy'])} | {_mean(found['macro_f1'])} |"
        for name, found in rows
        if found
    ]
    if not lines:
        return "Those of the training were not kept."
    seeds = len(metrics["seeds"])
    head = f"Over {seeds} seeds, mean and standard deviation, in %:" if seeds > 1 else "One seed, in %:"
    return "\n".join([head, "", "| | accuracy | macro-F1 |", "|---|---|---|", *lines])


def _mean(found: Mapping[str, Any]) -> str:
    spread = "" if found["std"] is None else f" ± {100 * found['std']:.1f}"
    return f"{100 * found['mean']:.1f}{spread}"


def _files(told: Mapping[str, Any]) -> str:
    lines = [
        f"| `{name}` | {entry['bytes'] / 1024:.1f} KiB | {100 * entry['accuracy']:.1f} | "
        f"{100 * entry['agreement']:.1f} |"
        for name, entry in told["files"].items()
    ]
    return "\n".join(
        ["| file | size | accuracy | decides as the trained student |", "|---|---|---|---|", *lines]
    )
