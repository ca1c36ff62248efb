"""Frequencies of the reasons given to declined applicants."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from scoreline.core.reasons import Explained, ReasonFinder
from training.data.sampling import drawn
from training.evaluate.weighting import exact_sum
from training.report.figures.feature_effects import explain
from training.report.figures.rounding import rounded

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from training.report.figures.scored_rows import ScoredRows

DECLINED_ROWS = 2_000


def reason_distribution(
    held_out: ScoredRows, session: onnxruntime.InferenceSession
) -> dict[str, Any]:
    """Share of the declined who get each reason, and who get it first, as in serving.

    At most 2,000 of the declined held-out applicants are drawn. Shares and mean points are of the
    population, as are those of the bands.
    """
    declined = np.flatnonzero(held_out.decisions == held_out.contract.bands[-1].decision)
    rows = declined[drawn(len(declined), DECLINED_ROWS)]
    if not len(rows):
        return {"declined": 0, "looked_at": 0, "reasons": []}
    found = _reasons_of(held_out, session, rows)
    weight = held_out.weight[rows]
    total = exact_sum(weight)
    given, first, points = (defaultdict[str, float](float) for _ in range(3))
    for reasons, of_row in zip(found, weight.tolist(), strict=True):
        for reason in reasons:
            given[reason["code"]] += of_row
            points[reason["code"]] += of_row * reason["points"]
        if reasons:
            first[reasons[0]["code"]] += of_row
    entries = [
        {
            "code": reason.code,
            "text": next(iter(reason.text.values())),
            "features": list(reason.features),
            "share": given[reason.code] / total,
            "first": first[reason.code] / total,
            "points": points[reason.code] / given[reason.code] if given[reason.code] else None,
        }
        for reason in held_out.contract.reasons
    ]
    entries.sort(key=lambda entry: (-given[str(entry["code"])], str(entry["code"])))
    return rounded({"declined": len(declined), "looked_at": len(rows), "reasons": entries})


def _reasons_of(
    held_out: ScoredRows, session: onnxruntime.InferenceSession, rows: NDArray[np.int64]
) -> list[list[dict[str, Any]]]:
    """Reasons of each row, found by the code that serves them."""
    explained = explain(session, held_out, rows)
    finder = ReasonFinder(held_out.contract)
    approved = held_out.decisions[rows] == "approve"
    columns = (
        explained.X,
        explained.values,
        explained.contributions,
        explained.margin,
        explained.log_odds,
        approved,
    )
    answers = zip(*(column.tolist() for column in columns), strict=True)
    return [finder.find(Explained(*row)) for row in answers]
