"""What a target says of an operator."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from firmware_sim.model import Model, Operator
from firmware_sim.operator_tables import INSTEAD

Verdict = Literal["refused", "slow"]
_INT8 = "int8 (edgehar export --int8)"


@dataclass(frozen=True)
class Finding:
    """An operator that a target refuses or runs slowly, in which of its places in the file, and why.

    instead: what a network is better written with; None where nothing better is known.
    """

    operator: str
    dtype: str
    places: tuple[int, ...]
    verdict: Verdict
    why: str
    instead: str | None


@dataclass(frozen=True)
class Asked:
    """A target's answer. how: by what it was asked. notes: what concerns the whole file."""

    how: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the target will not run the file."""
        return any(finding.verdict == "refused" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As the report's JSON holds it."""
        findings = [asdict(finding) | {"places": list(finding.places)} for finding in self.findings]
        return {"how": self.how, "refused": self.refused, "findings": findings, "notes": list(self.notes)}


def dtype_of(model: Model, operator: Operator) -> str:
    """The dtype of an operator's first output, or of its first input where it has none."""
    made = model.outputs_of(operator) or model.inputs_of(operator)
    return made[0].dtype if made else "none"


def gathered(said: list[tuple[Operator, str, Verdict, str]]) -> tuple[Finding, ...]:
    """One finding for each operator, dtype and reason, with all its places; what is refused first."""
    places: dict[tuple[str, str, Verdict, str], list[int]] = {}
    for operator, dtype, verdict, why in said:
        places.setdefault((operator.name, dtype, verdict, why), []).append(operator.index)
    found = [
        Finding(name, dtype, tuple(at), verdict, why, _instead(name, dtype))
        for (name, dtype, verdict, why), at in places.items()
    ]
    return tuple(sorted(found, key=lambda finding: finding.verdict != "refused"))


def _instead(name: str, dtype: str) -> str | None:
    return INSTEAD.get(name, _INT8 if dtype == "float32" else None)
