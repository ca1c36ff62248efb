"""Approvals and expected profit at each cutoff.

The profit is the mean over all applicants of what those bring that are approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.evaluate.intervals import Interval, Withheld
from training.evaluate.outcomes import Outcomes
from training.evaluate.profit_interval import profit_with_interval, sums_up_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.evaluate.intervals import Figure

# Of a smaller effective number of gains or losses, intervals cover the truth too seldom.
MIN_EFFECTIVE = 10
WITHHELD = f"fewer than {MIN_EFFECTIVE} gains or losses of like size"


@dataclass(frozen=True, slots=True)
class Approvals:
    """The profit of approving some of the applicants, and their bad rate.

    Attributes
    ----------
    share, bad_rate : of all applicants, and among those approved; None where there are none
    profit : money per applicant, approved or not
    """

    share: float
    bad_rate: float | None
    profit: Figure


@dataclass(frozen=True)
class ProfitCurve:
    """Profit and approvals at each cutoff, from approving nobody to approving everyone.

    Attributes
    ----------
    cutoff : lowest score that is approved, falling, shape (n_cutoffs,)
    approved, bad_rate : share of the applicants, and bad rate among these; NaN for nobody
    profit, low, high : money per applicant, approved or not, with its interval
    effective : smallest effective number of gains, losses, goods and defaults among the approved
    """

    cutoff: NDArray[np.int64]
    approved: NDArray[np.float64]
    bad_rate: NDArray[np.float64]
    profit: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    effective: NDArray[np.float64]

    def at(self, cutoff: int) -> int:
        """Position of a cutoff: that of the lowest score that it approves."""
        return int(np.searchsorted(-self.cutoff[1:], -cutoff, side="right"))

    @property
    def best(self) -> int:
        """Position of the largest profit; of equal ones, where the fewest are approved."""
        return int(np.argmax(self.profit))

    def approvals(self, position: int) -> Approvals:
        """The figures at a position."""
        bad_rate = float(self.bad_rate[position]) if position else None
        return Approvals(float(self.approved[position]), bad_rate, self._figure(position))

    def _figure(self, position: int) -> Figure:
        value = float(self.profit[position])
        if self.effective[position] < MIN_EFFECTIVE:
            return Withheld(value, WITHHELD)
        return Interval(value, float(self.low[position]), float(self.high[position]))


def profit_curve(
    scores: NDArray[np.int64], outcomes: Outcomes, never: NDArray[np.bool_] | None = None
) -> ProfitCurve:
    """Profit and approvals at each distinct score; equal scores are one cutoff.

    Parameters
    ----------
    scores : in whole points, shape (n_rows,)
    never : rows that no cutoff approves, shape (n_rows,)
    """
    never = np.zeros(len(scores), bool) if never is None else never
    # Rows with equal keys are alike, so sums in this order do not depend on that of the rows.
    order = np.lexsort((outcomes.weight, outcomes.y, outcomes.value, -scores, never))
    falling = scores[order]
    among = falling[: len(falling) - never.sum()]
    ends = np.flatnonzero(np.append(among[1:] != among[:-1], len(among) > 0)) + 1
    found = Outcomes(
        outcomes.y[order], outcomes.value[order], outcomes.weight[order], outcomes.rate_known
    )
    weight = sums_up_to(found.weight, ends)
    with np.errstate(invalid="ignore"):
        bad_rate = sums_up_to(found.weight * found.y, ends) / weight
    profit, low, high, effective = profit_with_interval(found, ends)
    return ProfitCurve(
        cutoff=np.concatenate([[falling[0] + 1], falling[ends - 1]]),
        approved=weight / found.weight.cumsum()[-1],
        bad_rate=bad_rate,
        profit=profit,
        low=low,
        high=high,
        effective=effective,
    )


def mean_profit(outcomes: Outcomes) -> Figure:
    """The mean value over all rows, with its interval."""
    return profit_of(np.ones(len(outcomes.y), bool), outcomes).profit


def profit_of(chosen: NDArray[np.bool_], outcomes: Outcomes) -> Approvals:
    """Approvals and profit if the rows that are `chosen`, shape (n_rows,), are approved."""
    curve = profit_curve(chosen.astype(np.int64), outcomes)
    return curve.approvals(curve.at(1))
