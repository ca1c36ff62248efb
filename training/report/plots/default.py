"""The plots of a default model, drawn from its manifest."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from training.report.plots.axis import axis
from training.report.plots.plot import Plot
from training.report.plots.profit import profit_plot, strategy_plot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SMALL = (420, 230)
HEADROOM = 1.15  # room for the labels of the cutoffs
NAME_LENGTH = 45  # of wider names, an axis would show the middle alone


def plots_of_default(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Every plot by its name; None where the manifest lacks the section."""
    curves = manifest["curves"]
    cutoffs = [band for band in manifest["definition"]["bands"] if band["min_score"] is not None]
    return {
        "roc": _roc(curves["roc"], manifest["metrics"]["auc"]),
        "ks": _ks(curves["ks"]),
        "gain": _gain(curves["gain"]),
        "calibration": calibration_plot(curves["calibration"], "bad"),
        "scores": _scores(curves["scores"], cutoffs),
        "shapes": {shape["name"]: _shape(shape, manifest) for shape in manifest["shapes"]},
        "periods": manifest["periods"] and _periods(manifest["periods"]["test"]),
        "profit": manifest["profit"] and profit_plot(manifest["profit"]),
        "strategy": manifest["profit"] and strategy_plot(manifest["profit"]),
        "tuning": manifest.get("tuning") and _tuning(manifest["tuning"]),
    }


def _roc(curve: Mapping[str, Any], auc: Mapping[str, float]) -> Plot:
    plot = Plot(
        "ROC curve",
        f"AUC {auc['value']:.3f}; the dashed diagonal is chance.",
        axis("Good applicants wrongly flagged", [0, 1], percent=True),
        axis("Defaults flagged", [0, 1], percent=True),
    )
    plot.line([0, 1], [0, 1], "chance", "chance")
    plot.line(curve["goods"], curve["defaults"], "first", "model")
    return plot


def _ks(curve: Mapping[str, Any]) -> Plot:
    widest = curve["widest"]
    plot = Plot(
        "KS curve",
        f"The shares of defaults and goods up to a score differ most at {widest['score']}.",
        axis("Score", curve["score"]),
        axis("Share at or below the score", [0, 1], percent=True),
    )
    plot.line(curve["score"], curve["defaults"], "second", "defaults")
    plot.line(curve["score"], curve["goods"], "first", "goods")
    plot.line([widest["score"]] * 2, [widest["goods"], widest["defaults"]], "gap", "KS distance")
    return plot


def _gain(curve: Mapping[str, Any]) -> Plot:
    plot = Plot(
        "Gain curve",
        "Share of all defaults among the riskiest applicants, between chance and perfect "
        "foresight.",
        axis("Applicants, riskiest first", [0, 1], percent=True),
        axis("Defaults among them", [0, 1], percent=True),
    )
    plot.line([0, curve["bad_rate"], 1], [0, 1, 1], "perfect", "perfect foresight")
    plot.line([0, 1], [0, 1], "chance", "chance")
    plot.line(curve["rows"], curve["defaults"], "first", "model")
    return plot


def calibration_plot(bins: Sequence[Mapping[str, Any]], event: str) -> Plot:
    """Observed against predicted rate of an event."""
    predicted = [group["probability"] for group in bins]
    observed = [group["bad_rate"] for group in bins]
    highs = [rate["high"] for rate in observed]
    share = axis("Predicted probability", [0, *predicted, *highs], percent=True)
    plot = Plot(
        "Calibration curve",
        f"Observed {event} rate with its 95 % interval against the predicted probability, in ten "
        "groups of equally many rows; the diagonal is perfect calibration.",
        share,
        axis(f"Observed {event} rate", [share.low, share.high], percent=True),
    )
    plot.line([share.low, share.high], [share.low, share.high], "chance", "perfect calibration")
    intervals = [(rate["low"], rate["high"]) for rate in observed]
    rates = [rate["value"] for rate in observed]
    plot.dots(predicted, rates, intervals, "first", "tenth of the rows, 95 % interval")
    return plot


def _scores(histogram: Mapping[str, Any], cutoffs: list[Mapping[str, Any]]) -> Plot:
    edges = histogram["edges"]
    highest = max(*histogram["goods"], *histogram["defaults"])
    plot = Plot(
        "Distribution of scores",
        "Share of goods and of defaults by score, with the cutoffs of the decisions.",
        axis("Score", edges),
        axis("Share of the class", [0, HEADROOM * highest], percent=True),
    )
    plot.bars(edges, histogram["defaults"], "second", "defaults")
    plot.bars(edges, histogram["goods"], "first", "goods")
    for band in cutoffs:
        if plot.x.low < band["min_score"] < plot.x.high:
            plot.vertical(band["min_score"], f"{band['decision']} {band['min_score']}")
    return plot


def _shape(shape: Mapping[str, Any], manifest: Mapping[str, Any]) -> Plot | None:
    """A line over the amounts; None for fewer than three, which the table shows."""
    groups = [group for group in shape["groups"] if "at" in group]
    if len(groups) < 3:
        return None
    places = [group["at"] for group in groups]
    lows, highs = ([group[end] for group in groups] for end in ("low", "high"))
    sources = [*manifest["definition"]["features"], *manifest["definition"]["derived"]]
    unit = next((s["unit"] for s in sources if s["name"] == shape["name"]), "")
    plot = Plot(
        f"Contribution of {shape['name']}",
        "Mean contribution to the margin by value, with the range of the middle 80 %.",
        axis(_short(shape["name"] + (f" ({unit})" if unit else "")), places),
        axis("Contribution", [*lows, *highs], include=(0,)),
        *SMALL,
    )
    plot.area(places, lows, highs, "first")
    plot.line([plot.x.low, plot.x.high], [0, 0], "rule")
    plot.line(places, [group["contribution"] for group in groups], "first")
    for group in groups:
        plot.dots([group["at"]], [group["contribution"]], [(group["contribution"],) * 2], "first")
    return plot


def _short(name: str) -> str:
    """The name as it fits below an axis; the heading of the plot has the whole one."""
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def _periods(groups: list[Mapping[str, Any]]) -> Plot | None:
    """AUC by period; None where fewer than two periods have an interval of the AUC."""
    found = [(i, group.get("auc") or {}) for i, group in enumerate(groups, 1)]
    known = [(i, area) for i, area in found if area.get("low") is not None]
    if len(known) < 2:
        return None
    places, areas = [i for i, _ in known], [area for _, area in known]
    plot = Plot(
        "AUC over time",
        "AUC with its 95 % interval in each period of the table, earliest first.",
        axis("Period", places, include=(0, len(groups) + 1)),
        axis("AUC", [end for area in areas for end in (area["low"], area["high"])]),
    )
    values = [area["value"] for area in areas]
    plot.line(places, values, "first")
    plot.dots(places, values, [(area["low"], area["high"]) for area in areas], "first")
    return plot


def _tuning(study: Mapping[str, Any]) -> Plot:
    """Every trial's value, and the best so far among trials that completed all folds."""
    trials = sorted(study["trials"], key=lambda trial: trial["number"])
    places, values = ([trial[key] for trial in trials] for key in ("number", "auc"))
    plot = Plot(
        "Trials",
        "Mean AUC over the folds of each trial, and the best so far, starting from the "
        "definition's own parameters.",
        axis("Trial", places, include=(0, 1)),
        axis("Mean AUC", [study["before"], *values]),
    )
    best = [study["before"]]
    for trial in trials:
        best.append(max(best[-1], trial["auc"] if trial["state"] == "complete" else 0.0))
    # A step function: the best value holds until a trial improves it.
    steps = [
        (place, height)
        for place, pair in zip(places, pairwise(best), strict=True)
        for height in pair
    ]
    plot.line([x for x, _ in steps], [y for _, y in steps], "first", "best so far")
    plot.dots(places, values, [(value, value) for value in values], "second", "trial")
    return plot
