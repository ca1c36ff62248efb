"""Limits of use: those that the definition states, and those that the training data imply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scoreline.definition.model import DefaultDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset

# With 100 defaults, the interval of the AUC is about 0.1 wide.
FEW_DEFAULTS = 100


def limits_of_use(definition: Definition, held_out: Dataset) -> list[str]:
    """Sentences, those of the definition first."""
    return [*definition.report.limits, *_implied_limits(definition, held_out)]


def _implied_limits(definition: Definition, held_out: Dataset) -> Iterator[str]:
    if held_out.generated:
        yield "The data are synthetic: the figures say nothing about real applicants."
    if held_out.time is None:
        yield (
            "The test rows are drawn at random from the same period as the training rows, so the "
            "figures do not show how the model performs later."
        )
    if definition.task == "default":
        yield (
            "Outcomes are known only for the sample. Where it leaves out refused applicants, the "
            "figures describe a population that had already been selected."
        )
        defaults = int(held_out.y.sum())
        if defaults < FEW_DEFAULTS:
            yield f"The test rows include only {defaults} defaults, so the intervals are wide."
        if held_out.unit is not None and len(np.unique(held_out.unit)) < len(held_out.unit):
            yield (
                "Some test rows belong together, such as those of one customer. Intervals count "
                "all rows as independent, so they are narrower than they should be."
            )
        yield (
            "Contributions and reasons show what the model used, not what causes a default; a "
            "what-if answer is what the model would say, not a promise."
        )
    else:
        yield "The target is what customers own, not what they would accept if it were offered."
    if not definition.protected:
        yield "The definition marks no feature as protected, so fairness is not measured."
    unseen = sum(held_out.unseen.values())
    if unseen:
        yield f"{unseen} rows of the sample have a category that is not listed in the definition."
    if isinstance(definition, DefaultDefinition) and definition.calibration.default_rate:
        yield (
            "Probabilities are shifted to the default rate that the definition states for the "
            "population; the sample cannot confirm that rate."
        )
    yield (
        "An application outside the ranges and categories of the definition is refused. Within "
        "them, the model extrapolates where the sample is thin."
    )
