import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from tests import sample, shop
from tests.browser import look_at, printed, printed_pages
from training.incumbents.champion import ChampionBundle, Incumbents
from training.report.plots.default import plots_of_default
from training.train import train

pytestmark = pytest.mark.slow

REPORT = """
[report]
purpose = "Says <who> pays back, for tests"
limits = ["Not for companies."]
segments = ["housing"]

[economics]
currency = "EUR"
profit_of_a_good = "earned"
loss_given_default = 0.45
exposure = "debt"

[tuning]
trials = 3
folds = 2
"""
SECTIONS = (
    "Purpose and target",
    "Limits of use",
    "Data",
    "Features",
    "Discrimination",
    "Calibration",
    "Scores and decisions",
    "Cutoffs by profit",
    "Feature effects",
    "Reasons given to declined applicants",
    "Fairness",
    "Gates",
    "Stability",
    "Challenger and champion",
    "Tuning",
    "Parity of ONNX and the fitted pipeline",
    "Reproduction",
    "Sign-off",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tuned version with a champion, on dated rows of which the latest are held out."""
    folder = tmp_path_factory.mktemp("report")
    frame = sample.applicants(1500)
    frame["age"] = np.random.default_rng(1).integers(18, 90, len(frame))
    frame["applied"] = pd.date_range("2024-01-01", periods=len(frame), freq="9h")
    frame["seen"] = frame["applied"] + pd.to_timedelta(np.arange(len(frame)) % 3 * 150 + 100, "D")
    frame["earned"] = 100 + 0.12 * frame["debt"]
    frame.loc[:4, "outcome"] = None
    frame.to_parquet(folder / "data.parquet")
    age = '[[features]]\nname = "age"\ntype = "integer"\nprotected = true\n\n[[derived]]'
    text = sample.DEFINITION.replace("[[derived]]", age) + REPORT
    split = 'column = "applied"\noutcome_window_days = 90\nobserved_at = "seen"'
    text = text.replace("[split]", f'[split]\nmethod = "time"\n{split}')
    first = sample.bundle()
    files = (first.files["model.onnx"], first.files["batch.onnx"])
    champion = ChampionBundle(first.version, json.loads(first.files["manifest.json"]), *files)
    path = str(folder / "data.parquet")
    incumbents = Incumbents(champion, champion)
    bundle = train(sample.definition(folder, text), path, trained_by="ada", incumbents=incumbents)
    return bundle.files["report.html"].decode(), json.loads(bundle.files["manifest.json"])


@pytest.mark.parametrize("width", [1200, 500, 390])
def test_a_browser_shows_every_section_within_the_page(trained, tmp_path, width):
    seen = look_at(trained[0], tmp_path, width)

    shown = [heading.partition(". ")[2] for heading in seen["headings"]]
    assert [section for section in SECTIONS if section not in shown] == []
    assert not seen["scrolls"]
    assert seen["outside"] == []
    assert seen["cut"] == []
    assert seen["loaded"] == []
    assert seen["console"] == []
    assert seen["plots"] >= 6


def test_tables_fit_a_printed_page(trained, tmp_path):
    assert look_at(trained[0], tmp_path, 1200)["wide"] == []
    assert printed(trained[0], tmp_path).startswith(b"%PDF")


def test_every_printed_page_says_what_it_belongs_to(trained, tmp_path):
    report, manifest = trained

    pages = printed_pages(report, tmp_path)

    for number, lines in enumerate(pages, start=1):
        assert lines[-1].split() == [
            *("sample", manifest["version"]),
            *("Page", str(number), "of", str(len(pages))),
        ]


def test_a_long_name_leaves_every_column_on_the_printed_page(trained, tmp_path):
    name = "share_of_the_disposable_income_that_goes_to_instalments_in_the_month"

    pages = printed_pages(trained[0].replace("debt_to_income", name), tmp_path)

    text = [" ".join(line.split()) for page in pages for line in page]
    header = next(i for i, line in enumerate(text) if line.startswith("Code Reason Features"))
    assert "Mean" in " ".join(text[header - 1 : header + 1])
    assert "points" in text[header]


def test_the_axis_of_a_long_name_shows_its_beginning(trained):
    name = "share_of_the_disposable_income_that_goes_to_instalments_in_the_month"
    manifest = json.loads(json.dumps(trained[1]).replace("debt_to_income", name))

    shown = plots_of_default(manifest)["shapes"][name].x.name

    assert shown == "share_of_the_disposable_income_that_goes_to_…"


@pytest.mark.parametrize("shift", range(0, 1000, 250))
def test_a_short_table_is_printed_on_one_page(trained, tmp_path, shift):
    page = trained[0].replace("<main>", f'<main><div style="height: {shift}px"></div>')
    tables = re.findall(r"<thead>(.*?)</thead>(.*?)</table>", page, re.DOTALL)
    headers = [" ".join(re.sub("<[^>]+>", " ", header).split()) for header, _ in tables]
    long = {
        header for header, (_, body) in zip(headers, tables, strict=True) if body.count("<tr") > 14
    }

    pages = printed_pages(page, tmp_path)

    # A table that continues on another page has its header there as well.
    shown = Counter(" ".join(line.split()) for lines in pages for line in lines)
    short = Counter(header for header in headers if header not in long)
    assert sum(shown[header] > 0 for header in short) > 5
    assert {header: shown[header] for header in short if shown[header] > short[header]} == {}


def test_gates_that_apply_come_first_and_the_others_are_named_below(trained):
    report, manifest = trained
    table, _, others = report.partition("Gates that do not apply:")

    assert f'<span class="status">{manifest["status"]} at publication</span>' in report
    for gate in manifest["gates"]:
        row = f'<th scope="row">{gate["gate"]}</th>'
        assert (row in table) == (gate["passed"] is not None)
        assert (gate["gate"] in others.partition("</p>")[0]) == (gate["passed"] is None)


def test_the_page_holds_all_that_it_needs(trained):
    report, _ = trained

    assert not re.findall(r"(?:src|href)=\"(?!#)|url\(|@import|<script", report)


def test_every_plot_has_words(trained):
    report, _ = trained
    plots = re.findall(r'<svg class="plot".*?</svg>', report, re.DOTALL)

    assert all(re.search(r'role="img" aria-label="\w', plot) for plot in plots)
    assert all(re.search(r"<title>.+</title>\s*<desc>.+</desc>", plot) for plot in plots)


def test_texts_of_the_definition_are_escaped(trained):
    report, _ = trained

    assert "Says &lt;who&gt; pays back, for tests" in report
    assert "<li>Not for companies.</li>" in report
    assert "outcome: the label is missing" in report


def test_tables_show_gates_trials_and_shifts(trained):
    report, manifest = trained
    rows = {tuple(re.findall(r">([^<>]+)</t[dh]>", row)) for row in report.split("<tr")}
    shift = manifest["stability"]["test"]["score"]
    counts = f"{shift['expected_rows']:,} and {shift['actual_rows']:,}"

    for trial in manifest["tuning"]["trials"]:
        assert (str(trial["number"]), f"{trial['auc']:.4f}", trial["state"]) in rows
    for gate in manifest["gates"]:
        assert escape(gate["sentence"].rstrip(".")) in report
    assert manifest["comparison"]["champion"] in report
    figures = (f"{shift['psi']:.4f}", f"{shift['critical']:.4f}", str(shift["bins"]))
    assert ("the score (PSI)", *figures, counts, shift["verdict"]) in rows
    assert " for ada." in report


def test_out_of_time_figures_are_of_the_periods_after_the_fitted_ones(trained):
    report, manifest = trained
    before, after = (manifest["periods"][part] for part in ("train", "test"))

    # 1,495 rows nine hours apart from 2 January 2024 on end in July 2025; 30 % are held out.
    assert before[0]["group"] == "2024-01"
    assert (after[0]["group"], after[-1]["group"]) == ("2025-01", "2025-07")
    assert sum(group["rows"] or 0 for group in after) <= manifest["dataset"]["test"]["rows"]
    areas = [group["auc"] for group in after if group["rows"]]
    assert len(areas) >= 5
    for area in areas:
        if area["low"] is None:
            assert area["withheld"] == "fewer than 30 defaults"
        else:
            assert 0.5 < area["low"] < area["value"] < area["high"]
    for group in after:
        if group["rows"]:
            assert group["stability"]["actual_rows"] == group["rows"]
            ratio = group["observed_to_expected"]
            assert ratio["low"] < ratio["value"] < ratio["high"]
            assert ratio["value"] == pytest.approx(
                group["bad_rate"]["value"] / group["probability"], rel=1e-4
            )
    assert "<h3>Vintages</h3>" in report
    assert {vintage["from_months"] for vintage in manifest["vintages"]} == {3, 4, 8, 9, 13, 14}
    assert "out of time" in report
    assert not any(
        "the figures do not show how the model performs later" in s for s in manifest["limits"]
    )


def test_the_fitted_rows_are_ranked_better_than_the_held_out_ones(trained):
    report, manifest = trained
    development = manifest["development"]

    assert development["rows"] == manifest["dataset"]["train"]["rows"]
    assert development["auc"]["value"] > manifest["metrics"]["auc"]["value"]
    assert f"{development['auc']['value']:.4f}" in report


def test_contributions_and_importance_are_those_of_the_graph(trained):
    _, manifest = trained
    sources = manifest["importance"]["sources"]

    assert sum(source["share"] for source in sources) == pytest.approx(1, abs=1e-4)
    assert [s["mean_contribution"] for s in sources] == sorted(
        (s["mean_contribution"] for s in sources), reverse=True
    )
    employed = next(shape for shape in manifest["shapes"] if shape["name"] == "employed")
    no, yes = employed["groups"]
    # Employment lowers the log-odds of default in the formula that made the rows.
    assert yes["contribution"] < 0 < no["contribution"]
    assert next(s for s in sources if s["name"] == "housing")["auc_lost"] < 0.01


def test_reasons_are_counted_among_the_declined(trained):
    _, manifest = trained
    reasons = manifest["reasons"]
    declined = manifest["classification"]

    count = declined["true_positives"] + declined["false_positives"]
    assert reasons["declined"] == reasons["looked_at"] == count
    assert sum(reason["first"] for reason in reasons["reasons"]) == pytest.approx(1, abs=1e-4)
    assert all(reason["first"] <= reason["share"] <= 1 for reason in reasons["reasons"])


def test_fairness_is_shown_with_its_intersections(trained):
    report, manifest = trained

    assert set(manifest["fairness"]) == {"sex", "age"}
    assert set(manifest["intersections"]) == {"sex and age"}
    assert {segment["feature"] for segment in manifest["segments"]} == {"housing", "sex", "age"}
    assert "sex and age" in report


def test_profit_and_swap_set_are_shown(trained):
    report, manifest = trained
    approve, *_ = manifest["profit"]["decisions"]
    swap = manifest["comparison"]["swap_set"]

    assert sum(group["rows"] for group in swap["groups"].values()) == manifest["comparison"]["rows"]
    for figure in (approve["profit"], swap["gain"]):
        assert f"{figure['value']:,.2f} <small>(" in report
    assert approve["profit"]["low"] < approve["profit"]["value"] < approve["profit"]["high"]
    # The approval rate of the decisions is that of the score bands.
    bands = [band for band in manifest["bands"] if band["decision"] == "approve"]
    assert approve["share"] == pytest.approx(sum(band["share"] for band in bands), abs=1e-5)
    assert manifest["profit"]["best"]["profit"]["value"] >= approve["profit"]["value"]


def test_no_row_of_an_applicant_is_in_it(trained):
    _, manifest = trained
    protected = (*manifest["fairness"].values(), *manifest["intersections"].values())
    groups = [group for named in protected for group in named.values()]

    assert {len(group) for group in groups if group["rows"] is None} == {1}
    assert all(group["rows"] >= 30 for group in groups if group["rows"] is not None)
    assert all(len(points) <= 200 for points in manifest["curves"]["roc"].values())


def test_a_recommendation_has_a_report_of_its_own(tmp_path):
    files = shop.bundle().files
    manifest = json.loads(files["manifest.json"])

    seen = look_at(files["report.html"].decode(), tmp_path, 1200)

    shown = [heading.partition(". ")[2] for heading in seen["headings"]]
    assert {"Ranking", "Products", "Calibration", "Sign-off"} <= set(shown)
    assert (seen["scrolls"], seen["outside"], seen["cut"], seen["wide"]) == (False, [], [], [])
    assert (seen["loaded"], seen["console"]) == ([], [])
    assert len(manifest["places"]) == manifest["definition"]["top"]
