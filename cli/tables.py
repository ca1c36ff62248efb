"""Tables for people: metrics, versions, models, algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from scoreline.governance.figures import Figures
from scoreline.governance.watches import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from features.pipeline import Pipeline
    from training.compare_algorithms import Compared
    from training.reproduce import Reproduction


PASSED = {True: "passed", False: "failed", None: "not asked"}
FIGURES = {"auc": "AUC", "ks": "KS", "brier": "Brier"}  # of a default; others show all they have


def metrics_table(metrics: Mapping[str, Mapping[str, float]]) -> Table:
    """Figures of a version on its test set."""
    table = Table("figure", title="Test set")
    for column in ("value", "95 % from", "to"):
        table.add_column(column, justify="right")
    for name, interval in metrics.items():
        table.add_row(name, *(f"{interval[key]:.4f}" for key in ("value", "low", "high")))
    return table


def reproduction_table(title: str, reproduction: Reproduction) -> Table:
    """Whether training again gave the same version, and what differs."""
    table = Table("", "recorded", "now", title=title, show_lines=True)
    found = reproduction.found or "not trained"
    table.add_row("SHA-256 of the graphs", reproduction.recorded[:16], found[:16])
    for difference in reproduction.differences:
        table.add_row(difference.part, difference.recorded, difference.found)
    return table


def gates_table(gates: Iterable[Mapping[str, Any]]) -> Table:
    """What each gate says of a version."""
    table = Table("gate", "", "", title="Gates", show_lines=True)
    for gate in gates:
        table.add_row(gate["gate"], PASSED[gate["passed"]], gate["sentence"])
    return table


def models_table(models: Iterable[Mapping[str, Any]]) -> Table:
    """Models and what serves them."""
    table = Table("model", "champion", "latest version")
    table.add_column("versions", justify="right")
    for model in models:
        cells = (model["champion"] or "-", model["latest_version"] or "-", str(model["versions"]))
        table.add_row(model["model"], *cells)
    return table


def routing_table(routing: Mapping[str, Any]) -> Table:
    """Which model answers which bank."""
    title = "changed by hand since the last entry" if routing["differs_from_ledger"] else None
    table = Table("bank", "model", title=title)
    table.add_row("(default)", routing["default"] or "-")
    for bank, model in sorted(routing["banks"].items()):
        table.add_row(bank, model)
    return table


def versions_table(model: str, versions: Iterable[Mapping[str, Any]]) -> Table:
    """Versions of a model, newest first."""
    shown = [(version, version["metrics"] or {}) for version in versions]
    known = {key: None for _, metrics in shown for key in metrics}
    columns = FIGURES if "auc" in known or not known else known
    table = Table("version", "algorithm", title=model)
    for column in columns:
        table.add_column(FIGURES.get(column, column), justify="right")
    table.add_column("status")
    table.add_column("")
    for version, metrics in shown:
        figures = [f"{metrics[key]['value']:.4f}" if key in metrics else "-" for key in columns]
        mark = "champion" if version["champion"] else ""
        cells = (version["version"], version["algorithm"], *figures, version["status"] or "-", mark)
        table.add_row(*cells)
    return table


def history_table(model: str, entries: Iterable[Mapping[str, Any]]) -> Table:
    """The ledger of a model."""
    table = Table("at", "action", "from", "to", "who", "reason", title=model)
    for entry in entries:
        cells = (entry["at"], entry["action"], entry["from"] or "-", entry["to"])
        table.add_row(*cells, entry["who"].rpartition("/")[2], entry["reason"])
    return table


def watch_line(watch: Mapping[str, Any]) -> str:
    """How the latest watch of a model stands or ended."""
    figures = Figures(**watch["figures"])
    until = f" until {watch['until']}" if watch["state"] == OPEN else ""
    return f"watch of {watch['version']}: {watch['state']}{until}; {figures}"


def features_table(pipeline: Pipeline) -> Table:
    """The features of a pipeline and what they are."""
    table = Table("feature", "what it is", "unit", "table", title=pipeline.name)
    for spec, history in pipeline.features.values():
        table.add_row(spec.name, spec.description, spec.unit, history.table)
    return table


COMPARISON_NOTE = (
    "AUC: mean of the folds, and of all held-out rows together. p: DeLong's paired test of the "
    "latter against the best, then by Holm for all of the table; the best was chosen on these rows "
    "and the models count as given, so a small p says less than it seems. fit: one fold, "
    "calibration included. KB, us: model.onnx, and one row through it with contributions."
)


def comparison_table(title: str, results: Sequence[Compared]) -> Table:
    """Algorithms side by side."""
    table = Table("algorithm", title=title, caption=COMPARISON_NOTE, caption_justify="left")
    for column in ("AUC", "all rows, 95 %", "KS", "Brier", "ECE", "p", "Holm", "fit s"):
        table.add_column(column, justify="right")
    table.add_column("KB", justify="right")
    table.add_column("us", justify="right")
    for result in results:
        pooled, test = result.pooled_auc, result.against_best
        table.add_row(
            result.algorithm,
            f"{result.auc:.4f}",
            f"{pooled.value:.3f} ({pooled.low:.3f}-{pooled.high:.3f})",
            *(f"{result.figures[key]:.4f}" for key in ("ks", "brier", "calibration_error")),
            *([_p(test.p_value), _p(test.adjusted)] if test else ["best", ""]),
            f"{result.fit_seconds:.2f}",
            f"{result.model_bytes / 1000:,.0f}",
            f"{result.row_us:.0f}",
        )
    return table


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def scorecard_table(title: str, scorecard: Mapping[str, Any], note: str) -> Table:
    """Points of every bin of every feature."""
    table = Table("feature", "bin", title=title, caption=note, caption_justify="left")
    for column in ("rows", "share", "bad rate", "WoE", "IV", "points"):
        table.add_column(column, justify="right")
    base = f"{scorecard['base_points']:.1f}"
    table.add_row("base points", *[""] * 6, base, end_section=True)
    for feature in scorecard["features"]:
        name = feature["name"] if feature["used"] else f"{feature['name']} (left out)"
        for row in feature["bins"]:
            table.add_row(name if row is feature["bins"][0] else "", *_bin_cells(row))
        total = sum(row["rows"] for row in feature["bins"])
        table.add_row(
            "", "total", f"{total:,}", "", "", "", f"{feature['iv']:.3f}", end_section=True
        )
    return table


def _bin_cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["label"],
        f"{row['rows']:,}",
        f"{row['share']:.1%}",
        "" if row["bad_rate"] is None else f"{row['bad_rate']:.1%}",
        f"{row['woe']:z.3f}",
        f"{row['iv']:z.3f}",
        f"{row['points']:z.1f}",
    ]
