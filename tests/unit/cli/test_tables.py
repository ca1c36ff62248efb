from io import StringIO

import pytest
from rich.console import Console

from cli import output
from cli.tables import (
    comparison_table,
    gates_table,
    history_table,
    models_table,
    profit_table,
    versions_table,
)
from training.compare_algorithms import ComparedAlgorithm, ProfitOfAlgorithm
from training.evaluate.intervals import Interval, Withheld
from training.evaluate.profit import Approvals

OLD, NEW = "20261120T004512Z-3fa9c1d2", "20261121T004512Z-0000000a"
METRICS = {name: {"value": 0.7, "low": 0.6, "high": 0.8} for name in ("auc", "ks", "brier")}
VERSION = {"version": NEW, "algorithm": "gradient_boosting", "metrics": METRICS}
MODEL = {"model": "product-recommendation", "champion": OLD, "latest_version": NEW, "versions": 12}
ENTRY = {
    "at": "2026-11-21T00:45:12+00:00",
    "action": "promote",
    "from": OLD,
    "to": NEW,
    "who": "arn:aws:iam::123456789012:user/ada.lovelace",
    "reason": "The [2026] cut-off needs a newer model, as agreed with the committee.",
}
TABLES = {
    "models": models_table([MODEL]),
    "versions": versions_table("loan-risk", [VERSION | {"status": "rejected", "champion": True}]),
    "history": history_table("loan-risk", [ENTRY]),
}


@pytest.fixture
def printed(monkeypatch):
    """What a terminal of some width shows of a table, line by line."""

    def run(table, width):
        console = Console(file=StringIO(), width=width, soft_wrap=True, markup=False)
        monkeypatch.setattr(output, "stdout", lambda: console)
        output.show(None, table, as_json=False)
        return console.file.getvalue()

    return run


@pytest.mark.parametrize("width", [20, 40, 80, 120, 300])
@pytest.mark.parametrize("name", TABLES)
def test_no_terminal_is_too_narrow_for_an_id(printed, name, width):
    shown = printed(TABLES[name], width)

    expected = {"models": ["product-recommendation", OLD, NEW], "versions": [NEW, "rejected"]}
    for text in expected.get(name, [OLD, NEW, ENTRY["at"], "ada.lovelace"]):
        assert text in shown
    assert "…" not in shown


def test_prose_wraps_and_keeps_its_brackets(printed):
    shown = printed(TABLES["history"], 80)

    assert "[2026]" in shown
    assert len([line for line in shown.splitlines() if "│" in line]) > 1


def test_a_note_wraps_within_the_table(printed):
    shown = printed(comparison_table("loan-risk", []), 100)

    assert "Holm's method" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_profits_stand_at_the_definitions_and_the_best_cutoff(printed):
    area = Interval(0.7, 0.6, 0.8)
    profit = ProfitOfAlgorithm(
        currency="EUR",
        approved=Approvals(0.6, 0.05, Interval(1234.5, -10, 2000)),
        best_cutoff=571,
        best=Approvals(0.4, None, Withheld(1500, "too few")),
    )
    result = ComparedAlgorithm("xgboost", 0.7, area, {}, 1.0, 1, 1.0, None, profit)

    shown = printed(profit_table([result]), 200)

    for text in ("xgboost", "60.0%", "5.0%", "1,234.50 (-10.00 to 2,000.00)", "571", "1,500.00"):
        assert text in shown
    assert "EUR" in shown
    assert "chosen on the same rows" in shown


def test_an_empty_table_has_its_head(printed):
    assert "explanation" in printed(gates_table([]), 80)


def test_json_is_the_only_output(capsys):
    output.show({"version": NEW}, TABLES["models"], as_json=True)

    assert capsys.readouterr().out == f'{{\n  "version": "{NEW}"\n}}\n'
