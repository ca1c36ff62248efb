"""The report of a version: one self-contained HTML page made of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, select_autoescape

from training.report.figures.held_out import TOO_SMALL
from training.report.figures.points_table import NOTE
from training.report.figures.shapes import MIN_GROUP
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
    "calibration_error": "Calibration error (10 equal-mass bins)",
    "calibration_intercept": "Calibration intercept (0 is right)",
    "calibration_slope": "Calibration slope (1 is right)",
}
# Sections that a manifest may lack.
OPTIONAL = ("gates", "stability", "comparison", "tuning")
SECTIONS = {
    "default": {
        "gates": "Gates",
        "purpose": "Purpose and target",
        "limits": "Limits of use",
        "data": "Data",
        "features": "Features",
        "discrimination": "Discrimination",
        "calibration": "Calibration",
        "scores": "Scores and decisions",
        "behaviour": "What moves the probability",
        "reasons": "Reasons given to declined applicants",
        "fairness": "Fairness",
        "stability": "Stability",
        "comparison": "Challenger and champion",
        "tuning": "Tuning",
        "implementation": "Parity of ONNX and the fitted pipeline",
        "reproduction": "Made with",
        "signoff": "Sign-off",
    },
    "recommendation": {
        "gates": "Gates",
        "purpose": "Purpose and target",
        "limits": "Limits of use",
        "data": "Data",
        "features": "Features",
        "ranking": "Ranking",
        "products": "Products",
        "calibration": "Calibration",
        "stability": "Stability",
        "implementation": "Parity of ONNX and the fitted pipeline",
        "reproduction": "Made with",
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
        too_small=TOO_SMALL,
        min_group=MIN_GROUP,
    )


def _percent(share: float) -> str:
    """With one digit, below one per cent with two."""
    return f"{100 * share:.{2 if 0 < share < SMALL_SHARE else 1}f} %"


def _plain(value: Any) -> str:
    """A number in four digits, nothing as nothing."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


_ENVIRONMENT = Environment(
    loader=PackageLoader("training.report"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"percent": _percent, "plain": _plain}
