"""Sections of the manifest that the report of a default model shows."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from scoreline.scoring.many_rows import run_log_odds, run_unlearned
from training.data.sampling import drawn
from training.evaluate.delong import auc_figure
from training.fit.calibration import sigmoid
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
from training.report.figures.limits_of_use import limits_of_use
from training.report.figures.periods import by_period, vintages
from training.report.figures.profit import profit_by_cutoff
from training.report.figures.reasons import reason_distribution
from training.report.figures.rounding import rounded
from training.report.figures.segments import segment_names, segments

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
    scored = _scored(held_out, fitted, batch)
    rows = drawn(len(held_out.y), EXPLAINED_ROWS)
    explained = explain(batch, held_out, rows)
    ranked = importance(contract, explained, auc_lost(contract, batch, held_out))
    protected = protected_groups(definition.protected, held_out)
    named = {name: groups.items() for name, groups in protected.items()}
    return {
        "development": _development(scored),
        "curves": curves(held_out),
        "bands": score_bands(held_out),
        "profit": profit_by_cutoff(definition, held_out),
        "segments": segments(held_out, segment_names(definition, ranked), named),
        "periods": by_period(definition.split.column, fitted, scored, held_out),
        "vintages": vintages(fitted, held_out.rows, held_out.default_rate),
        "importance": {"rows": len(rows), "sources": ranked},
        "shapes": shapes(contract, explained, ranked),
        "reasons": reason_distribution(held_out, batch),
        "fairness": fairness(held_out, protected),
        "intersections": intersections(held_out, protected),
        "limits": limits_of_use(definition, held_out.rows),
    }


def _scored(held_out: ScoredRows, rows: Dataset, batch: onnxruntime.InferenceSession) -> ScoredRows:
    """At most 20,000 of the training rows, with their scores, beside those that are held out."""
    some = rows.take(drawn(len(rows.y), FITTED_ROWS))
    log_odds = run_log_odds(batch, some.X)
    unlearned = run_unlearned(batch, some.X).any(axis=1)
    return replace(
        held_out,
        rows=some,
        log_odds=log_odds,
        probability=sigmoid(log_odds),
        unlearned=unlearned,
    )


def _development(fitted: ScoredRows) -> dict[str, Any]:
    """AUC on training rows."""
    area = auc_figure(fitted.y, fitted.log_odds, fitted.weighting)
    return {"rows": len(fitted.y), "auc": rounded(asdict(area))}
