"""The report of a version: one self-contained HTML page, rendered from its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, select_autoescape

from training.report.figures.feature_effects import MIN_RANGE_ROWS
from training.report.figures.points_table import NOTE
from training.report.figures.scored_rows import MIN_GROUP_ROWS
from training.report.plots.default import plots_of_default
from training.report.plots.recommendation import plots_of_recommendation

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC_NAMES = {
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error (10 equal-size groups)",
    "calibration_intercept": "Calibration intercept (0 is ideal)",
    "calibration_slope": "Calibration slope (1 is ideal)",
}
# Sections that a manifest may lack.
OPTIONAL = ("gates", "states", "profit", "stability", "comparison", "tuning")
SECTIONS = {
    "default": {
        "gates": "Gates",
        "purpose": "Purpose and target",
        "limits": "Limits of use",
        "data": "Data",
        "features": "Features",
        "states": "States of the features",
        "discrimination": "Discrimination",
        "calibration": "Calibration",
        "scores": "Scores and decisions",
        "profit": "Cutoffs by profit",
        "behaviour": "Feature effects",
        "reasons": "Reasons given to declined applicants",
        "fairness": "Fairness",
        "stability": "Stability",
        "comparison": "Challenger and champion",
        "tuning": "Tuning",
        "implementation": "Parity of ONNX and the fitted pipeline",
        "reproduction": "Reproduction",
        "signoff": "Sign-off",
    },
    "recommendation": {
        "gates": "Gates",
        "purpose": "Purpose and target",
        "limits": "Limits of use",
        "data": "Data",
        "features": "Features",
        "states": "States of the features",
        "ranking": "Ranking",
        "products": "Products",
        "calibration": "Calibration",
        "stability": "Stability",
        "implementation": "Parity of ONNX and the fitted pipeline",
        "reproduction": "Reproduction",
        "signoff": "Sign-off",
    },
}
SMALL_SHARE = 0.01
PLOTS = {"default": plots_of_default, "recommendation": plots_of_recommendation}


def render_report(manifest: Mapping[str, Any]) -> str:
    """The page as HTML, which loads nothing and runs no script."""
    task = manifest["definition"]["task"]
    return _ENVIRONMENT.get_template(f"{task}.html").render(
        manifest=manifest,
        sections={
            name: title
            for name, title in SECTIONS[task].items()
            if name not in OPTIONAL or manifest.get(name)
        },
        plots=PLOTS[task](manifest),
        approved=sum(b["share"] for b in manifest.get("bands", []) if b["decision"] == "approve"),
        metric_names=METRIC_NAMES,
        scorecard_note=NOTE,
        min_group_rows=MIN_GROUP_ROWS,
        min_range_rows=MIN_RANGE_ROWS,
    )


def _percent(share: float) -> str:
    """One decimal, or two below one per cent."""
    return f"{100 * share:.{2 if 0 < share < SMALL_SHARE else 1}f} %"


def _plain(value: Any) -> str:
    """A number to four significant digits, None as an empty cell."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


_ENVIRONMENT = Environment(
    loader=PackageLoader("training.report"),
    autoescape=select_autoescape(),  # a definition's texts may contain markup
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"percent": _percent, "plain": _plain}
