"""The report of a version: one self-contained HTML page made of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, select_autoescape

from training.points import NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENVIRONMENT = Environment(
    loader=PackageLoader("training"), autoescape=select_autoescape(), trim_blocks=True
)

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


def render_report(manifest: Mapping[str, Any]) -> str:
    """The page as HTML."""
    template = _ENVIRONMENT.get_template(f"{manifest['definition']['task']}.html")
    return template.render(manifest=manifest, metric_names=METRIC_NAMES, scorecard_note=NOTE)
