"""The points table of a WoE scorecard: the points that each bin of each feature adds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.features import DerivedFeature
from training.fit.scorecard import WoeScorecard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature
    from training.fit.model import FittedModel
    from training.fit.woe_binning import WoeBinning
    from training.graph.features import Column


NOTE = (
    "Points are shown to one decimal; the score sums unrounded points and is rounded once. A bin "
    "with the sample's bad rate has 0 points. A feature is left out, with 0 points, if the fit "
    "would take points from its safer bins. Missing values, special codes and categories without "
    "a bin have ten average applicants added to their WoE."
)


@dataclass(frozen=True, slots=True)
class BinPoints:
    """One row of the table.

    Attributes
    ----------
    low, high : an amount's bin is low <= x < high; None where it has no end
    states : the categories or special codes in the bin
    rows, share, bad_rate : of the training rows, by weight; no bad rate where there are no rows
    woe, iv : weight of evidence, and the bin's part of the feature's information value
    points : added to the score, not rounded; 0 for the average applicant
    """

    label: str
    low: float | None
    high: float | None
    states: tuple[str, ...]
    rows: int
    share: float
    bad_rate: float | None
    woe: float
    iv: float
    points: float


def points_table(model: FittedModel, contract: Contract) -> dict[str, Any] | None:
    """Base points and the bins of every feature, or None for another algorithm.

    Base points and an applicant's points add up to the score before rounding, since Platt
    calibration is linear. A feature that the fit left out has 0 points everywhere.
    """
    scorecard = model.classifier
    if not isinstance(scorecard, WoeScorecard):
        return None
    scale = contract.score_scale
    # Platt calibration is linear, so one unit of WoE is worth the same points everywhere.
    average, above = model.calibration.log_odds([scorecard.intercept_, scorecard.intercept_ + 1])
    per_woe = scale.factor * (above - average) * scorecard.weights_
    return {
        "base_points": scale.points(float(average)),
        "features": [
            {
                "name": contract.sources[binning.source].name,
                "iv": float(binning.iv.sum()),
                "used": bool(points),
                "bins": [asdict(row) for row in _rows(binning, points, contract, model.columns)],
            }
            for binning, points in zip(scorecard.binnings_, per_woe, strict=True)
        ],
    }


def _rows(
    binning: WoeBinning, per_woe: float, contract: Contract, columns: Sequence[Column]
) -> Iterator[BinPoints]:
    """The bins that an applicant can be in."""
    source = contract.sources[binning.source]
    woe, iv = binning.woe, binning.iv
    for number, (goods, bads) in enumerate(zip(binning.goods, binning.bads, strict=True)):
        rows = float(goods + bads)
        if number == binning.rest and not rows and not _has_rest(source, binning):
            continue
        low, high = _ends(binning, number)
        states = [
            _state(columns[k]) for k, of_state in binning.states.items() if of_state == number
        ]
        yield BinPoints(
            label=_label(binning, number, low, high, states),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            states=tuple(states),
            rows=round(rows),
            share=rows / binning.n_rows,
            bad_rate=float(bads / rows) if rows else None,
            woe=float(woe[number]),
            iv=float(iv[number]),
            points=float(per_woe * woe[number]),
        )


def _has_rest(source: Feature | DerivedFeature, binning: WoeBinning) -> bool:
    """Whether an amount can be missing, or a category can lie outside the bins."""
    if isinstance(source, DerivedFeature):
        return True
    if binning.amount is not None:
        return source.nullable
    in_bins = len(binning.states) - source.nullable
    return source.unseen == "accept" or in_bins < len(source.categories)


def _ends(binning: WoeBinning, number: int) -> tuple[np.float32 | None, np.float32 | None]:
    if binning.amount is None or number >= binning.n_cut:
        return None, None
    return list(pairwise([None, *binning.cuts, None]))[number]


def _state(indicator: Column) -> str:
    return "missing" if indicator.missing else indicator.name.partition("=")[2]


def _label(
    binning: WoeBinning,
    number: int,
    low: np.float32 | None,
    high: np.float32 | None,
    states: Sequence[str],
) -> str:
    if states:
        return ", ".join(states)
    if number == binning.rest:
        return "any other" if binning.amount is None else "missing"
    if low is None:
        return "any amount" if high is None else f"under {_shortest(high)}"
    return (
        f"{_shortest(low)} and over"
        if high is None
        else f"{_shortest(low)} to under {_shortest(high)}"
    )


def _shortest(cut: np.float32) -> str:
    """The shortest decimal that identifies this float32."""
    return np.format_float_positional(cut, trim="-")
