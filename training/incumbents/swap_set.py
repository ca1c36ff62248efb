"""The swap set: whom a challenger and the champion approve, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scoreline.scoring.many_rows import run_unlearned
from scoreline.scoring.scores import decisions, scores
from training.evaluate.outcomes import Outcomes
from training.evaluate.profit import mean_profit, profit_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray

    from scoreline.core.contract import Contract
    from scoreline.definition.model import DefaultDefinition
    from training.data.dataset import Dataset
    from training.evaluate.intervals import Figure

# The bad rate of fewer rows would say more about persons than about the versions.
MIN_ROWS = 30


@dataclass(frozen=True, slots=True)
class Swapped:
    """Applicants that both, one or neither of two versions approves.

    Attributes
    ----------
    rows : number of them
    share, bad_rate : in the population; no bad rate and profit for fewer than 30 rows
    profit : money per applicant of all if these are approved; None without `[economics]`
    """

    rows: int
    share: float
    bad_rate: float | None
    profit: Figure | None


@dataclass(frozen=True, slots=True)
class SwapSet:
    """Approvals of two versions on the same rows, each with its own cutoffs.

    Attributes
    ----------
    groups : "both", "challenger_only", "champion_only" and "neither" -> the applicants
    currency, gain : profit per applicant of the challenger's approvals less that of the
        champion's; None without `[economics]`
    """

    groups: dict[str, Swapped]
    currency: str | None
    gain: Figure | None


def approvals(
    contract: Contract, session: onnxruntime.InferenceSession
) -> Callable[[NDArray[np.float32], NDArray[np.float64]], NDArray[np.bool_]]:
    """Rows and their log-odds -> whether a version approves them.

    Parameters
    ----------
    contract, session : of the version, whose graph knows its unlearned states
    """
    return lambda X, log_odds: is_approved(
        contract, log_odds, run_unlearned(session, X).any(axis=1)
    )


def is_approved(
    contract: Contract,
    log_odds: NDArray[np.float64],
    unlearned: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Whether each row is approved, by its log-odds of default; the referred are not.

    Parameters
    ----------
    unlearned : whether each row is in an unlearned state of the version, shape (n_rows,)
    """
    answers = decisions(contract, scores(contract.score_scale, log_odds), unlearned)
    approved: NDArray[np.bool_] = answers == "approve"
    return approved


def find_swap_set(
    definition: DefaultDefinition,
    rows: Dataset,
    challenger: NDArray[np.bool_],
    champion: NDArray[np.bool_],
) -> SwapSet:
    """Compare two versions' approvals of the same rows.

    Parameters
    ----------
    definition : the challenger's, which also read the rows
    challenger, champion : whether each row is approved, shape (n_rows,)
    """
    outcomes = Outcomes.of(rows.y, rows.value, rows.weight, definition.calibration.default_rate)
    chosen = {
        "both": challenger & champion,
        "challenger_only": challenger & ~champion,
        "champion_only": champion & ~challenger,
        "neither": ~challenger & ~champion,
    }
    economics = definition.economics
    change = outcomes.value * (challenger.astype(int) - champion.astype(int))
    return SwapSet(
        {
            name: _swapped(group, outcomes, priced=economics is not None)
            for name, group in chosen.items()
        },
        economics.currency if economics else None,
        mean_profit(replace(outcomes, value=change)) if economics else None,
    )


def _swapped(chosen: NDArray[np.bool_], outcomes: Outcomes, *, priced: bool) -> Swapped:
    rows, found = int(chosen.sum()), profit_of(chosen, outcomes)
    if rows < MIN_ROWS:
        return Swapped(rows, found.share, None, None)
    return Swapped(rows, found.share, found.bad_rate, found.profit if priced else None)
