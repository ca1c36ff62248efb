"""Gates on the lender's policy: monotone directions and schema compatibility."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.gates.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scoreline.definition.gate_settings import GateSettings


def monotonicity(reversals: Mapping[str, float], settings: GateSettings) -> Gate:
    """Every feature with a declared direction keeps it, together with what is derived from it.

    Parameters
    ----------
    reversals : feature -> largest change of the log-odds against its direction
    """
    if not reversals:
        return Gate("monotonicity", None, "The definition declares no monotone direction.")
    limit = settings.max_reversal
    wrong = {name: size for name, size in reversals.items() if size > limit}
    sentence = f"All {len(reversals)} monotone features keep their direction."
    if wrong:
        named = ", ".join(f"{name} (by {size:.2g})" for name, size in wrong.items())
        sentence = f"The log-odds move against the declared direction of {named}; "
        sentence += "check the derived features."
    return Gate("monotonicity", not wrong, sentence, max(reversals.values()), limit)


def schema(changes: Sequence[str] | None, settings: GateSettings) -> Gate:
    """Clients of the champion still get answers.

    Parameters
    ----------
    changes : schema changes that break clients; None where there is no champion
    """
    if changes is None:
        return Gate("schema", None, "There is no champion whose clients could depend on it.")
    if not changes:
        return Gate("schema", True, "Every request that the champion accepts is valid.", 0.0, 0.0)
    sentence = f"Requests that the champion accepts are refused: {'; '.join(changes)}."
    if settings.breaking:
        sentence += " The definition declares this break."
    return Gate("schema", settings.breaking, sentence, float(len(changes)), 0.0)
