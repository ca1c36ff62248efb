"""The plots of a recommendation, drawn from its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.report.plots.axis import axis
from training.report.plots.default import calibration_plot
from training.report.plots.plot import Plot

if TYPE_CHECKING:
    from collections.abc import Mapping


def plots_of_recommendation(manifest: Mapping[str, Any]) -> dict[str, Plot]:
    """Every plot by its name."""
    return {
        "places": _places(manifest["places"]),
        "calibration": calibration_plot(manifest["curves"]["calibration"], "ownership"),
    }


def _places(places: list[Mapping[str, float]]) -> Plot:
    numbers = list(range(1, len(places) + 1))
    shares = {name: [place[name] for place in places] for name in ("model", "popularity")}
    plot = Plot(
        "Ownership by place",
        "Share of customers who own the product in each place of the ranking, by the model and "
        "by popularity.",
        axis("Place", numbers),
        axis("Owned", [0, *shares["model"], *shares["popularity"]], percent=True),
    )
    plot.line(numbers, shares["popularity"], "second", "most popular")
    plot.line(numbers, shares["model"], "first", "model")
    return plot
