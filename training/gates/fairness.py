"""Gate on the approval rates of protected groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.evaluate.delong import holm
from training.evaluate.group_differences import chance_of_a_lower_ratio
from training.evaluate.intervals import CONFIDENCE
from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.definition.gate_settings import GateSettings

    type Groups = Mapping[str, Mapping[str, Any]]

# An interval leaves out half of this above its upper end.
ALL_GROUPS = 1 - CONFIDENCE
ONE_GROUP = ALL_GROUPS / 2


@dataclass(frozen=True, slots=True)
class Compared:
    """A group beside the reference group of its feature.

    Attributes
    ----------
    ratio : adverse impact ratio, with `value`, `low` and `high`
    p : chance of a ratio this low where the true one is the threshold
    smallest_p : the same where nobody of the group is approved
    """

    name: str
    ratio: Mapping[str, float]
    p: float
    smallest_p: float

    def __str__(self) -> str:
        """The group, its ratio and the interval."""
        value, low, high = (self.ratio[key] for key in ("value", "low", "high"))
        return f"{self.name} ({value:.2f}, 95 % interval {low:.2f} to {high:.2f})"


def fairness(
    protected: Sequence[str], report: Mapping[str, Groups], settings: GateSettings
) -> Gate:
    """No protected group is approved so rarely that it is evidence of adverse impact.

    A version fails where the 95 % interval of a group's adverse impact ratio ends below the
    threshold and Holm's procedure over the groups of all features rejects that the ratio reaches
    it. If every ratio reaches it in truth, one version in twenty fails, or fewer.

    Parameters
    ----------
    report : protected feature -> group -> figures, as in the manifest

    References
    ----------
    Four-fifths rule, which finds no evidence in differences of small numbers: 29 CFR 1607.4(D).
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979).
    """
    if not protected:
        return Gate("fairness", None, "The definition names no protected feature to report on.")
    limit = settings.min_adverse_impact_ratio
    compared = [one for name in protected for one in _compared(name, report[name], limit)]
    testable = [one for one in compared if one.smallest_p < ONE_GROUP]
    untested = _untested(protected, report, testable)
    if not testable:
        sentence = f"No protected group can be compared with another.{untested}"
        return Gate("fairness", None, sentence, threshold=limit)
    failing = _failing(testable)
    sentence = _sentence(testable, failing, limit) + untested
    return Gate(
        "fairness", not failing, sentence, min(one.ratio["value"] for one in testable), limit
    )


def _compared(feature: str, groups: Groups, limit: float) -> list[Compared]:
    """Groups that have an adverse impact ratio, without the reference group."""
    compared: list[Compared] = []
    for name, group in groups.items():
        if group["rows"] and not group["reference"] and group["adverse_impact_ratio"]:
            reference = _tally(next(one for one in groups.values() if one.get("reference")))
            passed, n = _tally(group)
            p, smallest_p = (chance_of_a_lower_ratio(limit, x, n, *reference) for x in (passed, 0))
            ratio = group["adverse_impact_ratio"]
            compared.append(Compared(_named(feature, name), ratio, p, smallest_p))
    return compared


def _failing(testable: Sequence[Compared]) -> list[Compared]:
    adjusted = holm([one.p for one in testable])
    pairs = zip(testable, adjusted, strict=True)
    return [one for one, among_all in pairs if one.p < ONE_GROUP and among_all < ALL_GROUPS]


def _sentence(testable: Sequence[Compared], failing: Sequence[Compared], limit: float) -> str:
    doubtful = [one for one in testable if one.p < ONE_GROUP and one not in failing]
    if failing:
        sentence = f"The adverse impact ratio is below {limit:g} for {_listed(failing)}."
    else:
        lowest = min(testable, key=lambda one: one.ratio["value"])
        sentence = f"No adverse impact ratio is shown to be below {limit:g}; the lowest of "
        sentence += f"{len(testable)} is that of {lowest}."
    if doubtful:
        sentence += f" Alone, but not among {len(testable)} groups, this would be evidence: "
        sentence += f"{_listed(doubtful)}."
    return sentence


def _untested(
    protected: Sequence[str], report: Mapping[str, Groups], testable: Sequence[Compared]
) -> str:
    """Names the groups that are neither tested nor compared with."""
    tested = {one.name for one in testable}
    names: list[str] = []
    for feature in protected:
        groups = {_named(feature, name): group for name, group in report[feature].items()}
        compared_with = {name for name in groups if groups[name].get("reference")}
        beside = tested | compared_with if tested & groups.keys() else set()
        names += [name for name in groups if name not in beside]
    if not names:
        return ""
    return f" Not testable for want of rows, approvals or another group: {', '.join(names)}."


def _tally(group: Mapping[str, Any]) -> tuple[float, float]:
    """Number of approved rows, and of all rows; of weighted rows, the effective numbers."""
    if "effective_rows" in group:
        return group["approval_rate"] * group["effective_rows"], group["effective_rows"]
    return round(group["approval_rate"] * group["rows"]), group["rows"]


def _named(feature: str, group: str) -> str:
    return f'{feature} "{group}"'


def _listed(groups: Sequence[Compared]) -> str:
    return ", ".join(map(str, groups))
