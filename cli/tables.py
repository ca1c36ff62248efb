"""Tables for people: metrics, gates, versions, models, algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from rich.table import Table

    from batch.summary import Tally
    from training.compare_algorithms import ComparedAlgorithm
    from training.evaluate.intervals import Figure
    from training.evaluate.profit import Approvals

    # the cells of a row; None draws a line across the table
    type Row = Sequence[str] | None

GATE_RESULTS = {True: "passed", False: "failed", None: "not asked"}
DEFAULT_METRICS = {"auc": "AUC", "ks": "KS", "brier": "Brier"}  # other tasks show all they have
PROSE_WIDTH = 24


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """Metrics of a version on its test set, with their confidence intervals."""
    rows = [
        (name, *(_figure(figure.get(key)) for key in ("value", "low", "high")), _remark(figure))
        for name, figure in metrics.items()
    ]
    columns = ("metric", "value", "95 % from", "to", "")
    return _table("Test set", columns, rows, numbers=columns[1:4])


def _figure(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _remark(figure: Mapping[str, Any]) -> str:
    """The remark on a figure without an interval: why it is withheld, or what chance gives."""
    if "chance" in figure:
        return f"{figure['chance']:.4f} by chance"
    return str(figure.get("withheld", ""))


def gates_table(gates: Iterable[Mapping[str, Any]]) -> Table:
    """The result of each gate, with the sentence that explains it."""
    rows = [(g["gate"], GATE_RESULTS[g["passed"]], g["sentence"]) for g in gates]
    columns = ("gate", "result", "explanation")
    return _lined(_table("Gates", columns, rows, prose=["explanation"]))


def reproduction_table(title: str, reproduction: Mapping[str, Any]) -> Table:
    """The recorded and the new digest of a version, and every difference."""
    found = reproduction["found"] or "not trained"
    rows = [("SHA-256 of the graphs", reproduction["recorded"][:16], found[:16])]
    rows += [(d["part"], d["recorded"], d["found"]) for d in reproduction["differences"]]
    return _lined(_table(title, ("", "recorded", "now"), rows, prose=["recorded", "now"]))


def batch_tables(tally: Tally) -> Iterator[Table]:
    """Decisions, scores and rejections of a scored file; none where there is nothing to count."""
    if tally.choices:
        total = tally.choices.total()
        rows = [(name, f"{n:,}", f"{n / total:.1%}") for name, n in tally.choices.most_common()]
        yield _table("Answers", ("answer", "rows", "share"), rows, numbers=["rows", "share"])
    if (scores := tally.score_distribution) is not None:
        values = [f"{value:g}" for value in scores.values()]
        yield _table("Scores", tuple(scores), [values], numbers=tuple(scores))
    if tally.rules:
        broken = [(r["field"], r["rule"], f"{r['rows']:,}") for r in tally.broken_rules]
        columns = ("field", "rule", "rows")
        yield _lined(_table("Rejected", columns, broken, numbers=["rows"], prose=["rule"]))


def left_out_table(left_out: Iterable[Mapping[str, Any]]) -> Table:
    """The rules that rows of a file break, with their first rows."""
    rows = [
        (rule["rule"], f"{rule['rows']:,}", ", ".join(str(row) for row in rule["first_rows"]))
        for rule in left_out
    ]
    columns = ("rule", "rows", "first rows")
    return _lined(_table("Left out", columns, rows, numbers=["rows"], prose=["rule"]))


def models_table(models: Iterable[Mapping[str, Any]]) -> Table:
    """Models with their champion and their latest version."""
    rows = [
        (m["model"], m["champion"] or "-", m["latest_version"] or "-", str(m["versions"]))
        for m in models
    ]
    columns = ("model", "champion", "latest version", "versions")
    return _table("", columns, rows, numbers=["versions"])


def routing_table(routing: Mapping[str, Any]) -> Table:
    """The model that answers each bank."""
    title = "changed by hand since the last entry" if routing["differs_from_ledger"] else ""
    rows = [("(default)", routing["default"] or "-"), *sorted(routing["banks"].items())]
    return _table(title, ("bank", "model"), rows)


def versions_table(model: str, versions: Iterable[Mapping[str, Any]]) -> Table:
    """Versions of a model, newest first."""
    shown = [(version, version["metrics"] or {}) for version in versions]
    known = {key: key for _, metrics in shown for key in metrics}
    columns = DEFAULT_METRICS if "auc" in known or not known else known
    rows = [
        (
            version["version"],
            version["algorithm"] or "-",
            *(_figure(metrics.get(key, {}).get("value")) for key in columns),
            version["status"] or "-",
            "champion" if version["champion"] else "",
        )
        for version, metrics in shown
    ]
    names = ("version", "algorithm", *columns.values(), "status", "")
    return _table(model, names, rows, numbers=columns.values())


def history_table(model: str, entries: Iterable[Mapping[str, Any]]) -> Table:
    """The ledger of a model."""
    rows = [
        (e["at"], e["action"], e["from"] or "-", e["to"], e["who"].rpartition("/")[2], e["reason"])
        for e in entries
    ]
    columns = ("at", "action", "from", "to", "who", "reason")
    return _table(model, columns, rows, prose=["reason"])


def watch_line(watch: Mapping[str, Any]) -> str:
    """The state of a model's latest watch, and what it has counted."""
    from scoreline.governance.figures import Figures

    figures = Figures(**watch["figures"])
    until = f" until {watch['until']}" if watch["state"] == "open" else ""
    return f"watch of {watch['version']}: {watch['state']}{until}; {figures}"


def features_table(pipeline: str, features: Iterable[Mapping[str, str]]) -> Table:
    """The features of a pipeline and what each means."""
    rows = [(f["name"], f["description"], f["unit"], f["table"]) for f in features]
    columns = ("feature", "description", "unit", "table")
    return _table(pipeline, columns, rows, prose=["description"])


COMPARISON_NOTE = (
    "AUC: mean of the folds, and of all held-out rows together. p: DeLong's paired test of the "
    "latter against the best, then adjusted for the whole table by Holm's method. The best was "
    "chosen on these same rows and the models are taken as given, so a small p overstates the "
    "evidence. fit: one fold, including calibration. KB, us: size of model.onnx, and the time for "
    "one row with contributions."
)


PROFIT_NOTE = (
    "Profit per applicant, approved or not, with all held-out rows together: at the definition's "
    "cutoff, and at the cutoff with the largest profit. That one was chosen on the same rows, so "
    "its profit is optimistic."
)


def profit_table(results: Sequence[ComparedAlgorithm]) -> Table:
    """Approvals and profit of algorithms that a definition with `[economics]` compares."""
    priced = [(result.algorithm, result.profit) for result in results if result.profit]
    rows = [
        (
            name,
            *_approval_cells(profit.approved),
            str(profit.best_cutoff),
            *_approval_cells(profit.best),
        )
        for name, profit in priced
    ]
    currency = priced[0][1].currency
    figures = ("approved", "bad rate", currency, "best cutoff", "approves", "bad", f"{currency} ")
    return _table("Profit", ("algorithm", *figures), rows, numbers=figures, note=PROFIT_NOTE)


def _approval_cells(found: Approvals) -> tuple[str, str, str]:
    profit, bad_rate = found.profit, found.bad_rate
    ends = f"{profit.low:,.2f} to {profit.high:,.2f}" if profit.low is not None else profit.withheld
    return (
        f"{found.share:.1%}",
        "-" if bad_rate is None else f"{bad_rate:.1%}",
        f"{profit.value:z,.2f} ({ends})",
    )


def comparison_table(title: str, results: Iterable[ComparedAlgorithm]) -> Table:
    """Algorithms side by side."""
    figures = ("AUC", "all rows, 95 %", "KS", "Brier", "ECE", "p", "Holm", "fit s", "KB", "us")
    rows = [_comparison_cells(result) for result in results]
    return _table(title, ("algorithm", *figures), rows, numbers=figures, note=COMPARISON_NOTE)


def _comparison_cells(result: ComparedAlgorithm) -> tuple[str, ...]:
    pooled, test = result.pooled_auc, result.against_best
    return (
        result.algorithm,
        f"{result.auc:.4f}",
        f"{_figure(pooled.value, 3)} ({_ends(pooled)})",
        *(f"{result.figures[key]:.4f}" for key in ("ks", "brier", "calibration_error")),
        *((_p(test.p_value), _p(test.adjusted)) if test else ("best", "")),
        f"{result.fit_seconds:.2f}",
        f"{result.model_bytes / 1000:,.0f}",
        f"{result.row_us:.0f}",
    )


def _ends(figure: Figure) -> str:
    return f"{figure.low:.3f}-{figure.high:.3f}" if figure.low is not None else figure.withheld


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def scorecard_table(title: str, scorecard: Mapping[str, Any], note: str) -> Table:
    """Points of every bin of every feature."""
    figures = ("rows", "share", "bad rate", "WoE", "IV", "points")
    rows: list[Row] = [("base points", *[""] * 6, f"{scorecard['base_points']:.1f}"), None]
    for feature in scorecard["features"]:
        rows += [*_feature_rows(feature), None]
    return _table(title, ("feature", "bin", *figures), rows, numbers=figures, note=note)


def _feature_rows(feature: Mapping[str, Any]) -> list[Row]:
    name = feature["name"] if feature["used"] else f"{feature['name']} (left out)"
    names = [name, *[""] * (len(feature["bins"]) - 1)]
    total = f"{sum(row['rows'] for row in feature['bins']):,}"
    return [
        *((name, *_bin_cells(row)) for name, row in zip(names, feature["bins"], strict=True)),
        ("", "total", total, "", "", "", f"{feature['iv']:.3f}", ""),
    ]


def _bin_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["label"],
        f"{row['rows']:,}",
        f"{row['share']:.1%}",
        "" if row["bad_rate"] is None else f"{row['bad_rate']:.1%}",
        f"{row['woe']:z.3f}",
        f"{row['iv']:z.3f}",
        f"{row['points']:z.1f}",
    )


def _table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    numbers: Collection[str] = (),
    prose: Collection[str] = (),
    note: str = "",
) -> Table:
    """A table whose cells keep their full width, but for prose, which wraps."""
    from rich.table import Table

    table = Table(title=title or None, caption=note or None, caption_justify="left")
    for number, name in enumerate(columns):
        widest = max((len(row[number]) for row in rows if row), default=0)
        table.add_column(
            name,
            justify="right" if name in numbers else "left",
            no_wrap=name not in prose,
            overflow="fold",
            min_width=PROSE_WIDTH if name in prose else max(widest, len(name)),
        )
    for row in rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*row)
    return table


def _lined(table: Table) -> Table:
    """The same table with a line after every row, for cells that wrap."""
    table.show_lines = True
    return table
