"""What a model must not be trusted with: what the definition says, and what its making shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoreline.definition.model import DefaultDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoreline.definition.model import Definition
    from training.data.dataset import Dataset

# Fewer defaults leave the intervals wide: with 100 that of the AUC is about 0.1.
FEW_DEFAULTS = 100


def limits_of(definition: Definition, held_out: Dataset) -> list[str]:
    """Sentences, the definition's own first."""
    return [*definition.report.limits, *_found(definition, held_out)]


def _found(definition: Definition, held_out: Dataset) -> Iterator[str]:
    if held_out.generated:
        yield "The data is invented: the figures say nothing of real applicants."
    if held_out.time is None:
        yield (
            "The test rows are drawn at random from the same period as the fitted ones: nothing "
            "here shows how the model holds in a later one."
        )
    if definition.task == "default":
        yield (
            "Outcomes are known of those in the sample alone. Where refused applicants are not in "
            "it, the figures are those of a population that was selected before."
        )
        defaults = int(held_out.y.sum())
        if defaults < FEW_DEFAULTS:
            yield f"The test rows hold {defaults} defaults, so that the intervals are wide."
        yield (
            "Contributions and reasons tell what the model used, not what causes a default; what "
            "a what-if proposes is what the model would answer, not a promise."
        )
    else:
        yield "The target is what customers own, not what they would take if it were offered."
    if not definition.protected:
        yield "The definition marks no feature as protected: fairness is not measured here."
    unseen = sum(held_out.unseen.values())
    if unseen:
        yield f"{unseen} rows of the sample have a category that the definition does not list."
    if isinstance(definition, DefaultDefinition) and definition.calibration.default_rate:
        yield (
            "Probabilities are shifted to the population's default rate, which the definition "
            "gives and no row here confirms."
        )
    yield (
        "An application outside the ranges and categories of the definition is refused, not "
        "scored; inside them the model extrapolates wherever the sample is thin."
    )
