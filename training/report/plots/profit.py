"""The plots of approvals and profit by cutoff, drawn from the manifest's `profit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.report.plots.axis import axis
from training.report.plots.plot import Plot

if TYPE_CHECKING:
    from collections.abc import Mapping


def profit_plot(profit: Mapping[str, Any]) -> Plot:
    """Profit per applicant over the cutoff, with its interval where there is one."""
    curve = profit["curve"]
    shown = [i for i, low in enumerate(curve["low"]) if low is not None]
    lows, highs = ([curve[end][i] for i in shown] for end in ("low", "high"))
    plot = Plot(
        "Profit by cutoff",
        "Expected profit per applicant by the lowest score that is approved, with its 95 % "
        "interval, the cutoffs of the definition, and the best one on these rows.",
        axis("Lowest score that is approved", curve["score"]),
        axis(
            f"Profit per applicant ({profit['currency']})",
            [*curve["profit"], *lows, *highs],
            include=(0,),
        ),
    )
    plot.area([curve["score"][i] for i in shown], lows, highs, "first", "95 % interval")
    plot.line([plot.x.low, plot.x.high], [0, 0], "rule")
    plot.line(curve["score"], curve["profit"], "first", "profit per applicant")
    cutoffs = {band["decision"]: band["min_score"] for band in profit["decisions"]}
    for name, cutoff in {**cutoffs, "best": profit["best"]["min_score"]}.items():
        if cutoff is not None and plot.x.low < cutoff < plot.x.high:
            plot.vertical(cutoff, f"{name} {cutoff}")
    return plot


def strategy_plot(profit: Mapping[str, Any]) -> Plot:
    """Bad rate of the approved over the approval rate, with the definition's place."""
    curve = profit["curve"]
    plot = Plot(
        "Strategy curve",
        "Bad rate among the approved by the share of applicants that is approved, with the "
        "definition's cutoff and the most profitable one.",
        axis("Applicants approved", [0, 1], percent=True),
        axis("Bad rate of the approved", [0, *curve["bad_rate"]], percent=True),
    )
    plot.line(curve["approved"], curve["bad_rate"], "first")
    marked = (
        (profit["decisions"][0], "first", "the definition's cutoff"),
        (profit["best"], "second", "the most profitable cutoff on these rows"),
    )
    for place, style, text in marked:
        rate = place["bad_rate"]
        # The best decision of a definition may be to refer, which approves nobody.
        if rate is not None and place.get("decision", "approve") == "approve":
            plot.dots([place["share"]], [rate], [(rate, rate)], style, text)
    return plot
