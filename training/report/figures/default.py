"""Sections of the manifest that the report of a default model shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import run_log_odds
from training.data.sampling import drawn
from training.evaluate.delong import auc_figure
from training.report.figures.bands import score_bands
from training.report.figures.curves import curves
from training.report.figures.fairness import fairness, intersections, protected_groups
from training.report.figures.feature_effects import (
    EXPLAINED_ROWS,
    auc_lost,
    explain,
    importance,
    shapes,
)
from training.report.figures.groups import periods
from training.report.figures.limits_of_use import limits_of_use
from training.report.figures.reasons import reason_distribution
from training.report.figures.rounding import rounded
from training.report.figures.segments import figures, segment_names, segments

if TYPE_CHECKING:
    import onnxruntime

    from scoreline.definition.model import DefaultDefinition
    from training.data.dataset import Dataset
    from training.report.figures.scored_rows import ScoredRows

FITTED_ROWS = 20_000


def figures_of_default(
    definition: DefaultDefinition,
    fitted: Dataset,
    held_out: ScoredRows,
    batch: onnxruntime.InferenceSession,
) -> dict[str, Any]:
    """Sections of the manifest; no figure describes a single row.

    Parameters
    ----------
    batch : the batch graph
    """
    contract = held_out.contract
    rows = drawn(len(held_out.y), EXPLAINED_ROWS)
    explained = explain(batch, held_out.rows.X, rows)
    ranked = importance(contract, explained, auc_lost(contract, batch, held_out))
    protected = protected_groups(definition.protected, held_out)
    named = {name: groups.items() for name, groups in protected.items()}
    return {
        "development": _development(fitted, batch),
        "curves": curves(held_out),
        "bands": score_bands(held_out),
        "segments": segments(held_out, segment_names(definition, ranked), named),
        "periods": _periods(definition, fitted, held_out),
        "importance": {"rows": len(rows), "sources": ranked},
        "shapes": shapes(contract, explained, ranked),
        "reasons": reason_distribution(held_out, batch),
        "fairness": fairness(held_out, protected),
        "intersections": intersections(held_out, protected),
        "limits": limits_of_use(definition, held_out.rows),
    }


def _development(fitted: Dataset, batch: onnxruntime.InferenceSession) -> dict[str, Any]:
    """AUC on training rows, at most 20,000 of them."""
    rows = drawn(len(fitted.y), FITTED_ROWS)
    area = auc_figure(fitted.y[rows], run_log_odds(batch, fitted.X[rows]))
    return {"rows": len(rows), "auc": rounded(asdict(area))}


def _periods(
    definition: DefaultDefinition, fitted: Dataset, held_out: ScoredRows
) -> dict[str, Any] | None:
    """Rows and bad rates of the training periods, and all figures of the later ones."""
    if fitted.time is None or held_out.rows.time is None:
        return None
    before = [
        {"group": name, "rows": int(rows.sum()), "bad_rate": float(fitted.y[rows].mean())}
        for name, rows in periods(fitted.time, dated=fitted.dated)
    ]
    after = periods(held_out.rows.time, dated=fitted.dated)
    found = {"train": before, "test": list(figures(held_out, after))}
    return {"column": definition.split.column, **rounded(found)}
