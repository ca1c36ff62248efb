"""Versions trained against a champion, on data for which a given gate passes or fails."""

import json
import re
from dataclasses import replace

import boto3
import numpy as np
import pandas as pd
import pytest

from scoreline.aws.ledger import Ledger
from scoreline.core.versions import VersionRef
from scoreline.governance.anchors import Anchor
from scoreline.governance.entry import Entry, next_entry
from tests.sample import DEFINITION, applicants, definition, publish
from training.incumbents.champion import ChampionBundle, Incumbents, read_incumbents
from training.train import train

pytestmark = pytest.mark.slow

LOOSE = "\n[gates]\nmargin = 0.04\n"
WEAK = DEFINITION.replace("n_estimators = 30, max_depth = 3", "n_estimators = 1, max_depth = 1")


def run(folder, frame, text=DEFINITION + LOOSE, champion=None, anchor=None, judged=None):
    frame.to_parquet(folder / "data.parquet")
    incumbents = Incumbents(champion, anchor or champion, judged or {})
    return train(definition(folder, text), str(folder / "data.parquet"), incumbents=incumbents)


def manifest_of(bundle):
    return json.loads(bundle.files["manifest.json"])


def gate(bundle, name):
    return {gate["gate"]: gate for gate in manifest_of(bundle)["gates"]}[name]


def as_champion(bundle):
    files = (bundle.files[name] for name in ("model.onnx", "batch.onnx", "training_rows.bin"))
    return ChampionBundle(bundle.version, manifest_of(bundle), *files)


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    return as_champion(run(tmp_path_factory.mktemp("champion"), applicants(2000)))


def test_a_first_version_passes_gates_that_need_no_champion(champion):
    gates = {gate["gate"]: gate["passed"] for gate in champion.manifest["gates"]}

    assert champion.manifest["status"] == "candidate"
    assert gates == {
        "parity": True,
        "discrimination": True,
        "calibration": True,
        "champion": None,
        "anchor": None,
        "monotonicity": None,
        "leakage": True,
        "fairness": True,
        "stability": None,
        "timing": None,
        "schema": None,
    }
    assert champion.manifest["comparison"] is None
    assert champion.manifest["stability"]["champion"] is None


def test_the_champion_is_read_from_the_registry_and_the_anchor_from_the_ledger(registry, tmp_path):
    assert read_incumbents(registry, "sample") == Incumbents()
    best, bundle = run(tmp_path, applicants(400)), run(tmp_path, applicants(400, seed=2))
    for each in (best, bundle):
        publish(registry, each)
    champion = VersionRef(bundle.version, "0" * 64)
    entry = next_entry(
        None,
        "promote",
        champion,
        who="bea",
        reason="best",
        pointer_writes=0,
        anchor=Anchor(best.version, 0.7),
    )
    Ledger.connect(registry.settings, Entry).append("sample", entry)

    found = read_incumbents(registry, "sample")

    assert (found.champion, found.anchor) == (as_champion(bundle), as_champion(best))
    counts = manifest_of(bundle)["test_set"]["counts"]
    assert found.judged == counts
    assert [*counts.values()] == [1]
    for file in best.files:
        key = f"models/sample/{best.version}/{file}"
        boto3.client("s3").delete_object(Bucket=registry.settings.bucket, Key=key)
    lost = read_incumbents(registry, "sample")
    assert (lost.champion, lost.anchor, lost.gone) == (found.champion, None, best.version)


def test_a_challenger_on_new_rows_is_compared_on_rows_that_the_champion_does_not_know(
    champion, tmp_path
):
    grown = pd.concat(
        [applicants(2000), applicants(2000, seed=2).assign(applicant=range(2000, 4000))]
    )

    bundle = run(tmp_path, grown, champion=champion)

    manifest = manifest_of(bundle)
    comparison = manifest["comparison"]
    assert (bundle.status, gate(bundle, "champion")["passed"]) == ("candidate", True)
    assert comparison["champion"] == champion.version
    assert comparison["rows"] + comparison["known"] == manifest["dataset"]["test"]["rows"] == 1200
    # The hash of an id draws the same old rows again, but for those at the edge of the share.
    assert comparison["known"] < 30
    assert f"{comparison['rows']:,} test rows" in gate(bundle, "champion")["sentence"]
    assert comparison["metrics"]["champion"]["brier"] < 0.25
    assert manifest["stability"]["champion"]["score"]["verdict"] == "stable"


def test_the_same_data_again_give_an_equal_version(champion, tmp_path):
    bundle = run(tmp_path, applicants(2000), champion=champion)

    comparison = manifest_of(bundle)["comparison"]
    assert bundle.status == "candidate"
    assert (comparison["difference"]["value"], comparison["known"]) == (0.0, 0)
    assert gate(bundle, "stability")["value"] == 0.0


def known(bundle):
    """Test rows that are left out, and how many test rows there are."""
    manifest = manifest_of(bundle)
    return manifest["comparison"]["known"], manifest["dataset"]["test"]["rows"]


def drawn_anew(text):
    """The definition's text with other test rows."""
    return text.replace("test_share = 0.3", "test_share = 0.3\nseed = 2")


WITHOUT_ID = DEFINITION.replace('id = "applicant"\n', "")


@pytest.mark.parametrize("text", [DEFINITION, WITHOUT_ID], ids=["id", "no id"])
def test_rows_of_an_export_in_another_order_are_known(tmp_path, text):
    frame = applicants(2000)
    first = as_champion(run(tmp_path, frame, text + LOOSE))
    again = frame.sample(frac=1, random_state=2)[[*reversed(frame.columns)]]

    bundle = run(tmp_path, again, drawn_anew(text + LOOSE), champion=first)

    left_out, rows = known(bundle)
    assert 0.6 * rows < left_out < 0.8 * rows  # the champion was trained on 70 % of all


@pytest.mark.parametrize("text", [DEFINITION, WITHOUT_ID], ids=["id", "no id"])
def test_the_same_file_again_has_the_same_test_rows(tmp_path, text):
    first = as_champion(run(tmp_path, applicants(600), text + LOOSE))

    assert known(run(tmp_path, applicants(600), text + LOOSE, champion=first)) == (0, 180)


def test_ids_are_known_whether_they_are_numbers_or_text(champion, tmp_path):
    frame = applicants(2000).sample(frac=1, random_state=2)
    frame["applicant"] = frame["applicant"].astype(str)
    frame["debt"] += 1  # features alone would tell nothing

    left_out, rows = known(run(tmp_path, frame, drawn_anew(DEFINITION), champion=champion))

    assert 0.6 * rows < left_out < 0.8 * rows


def test_a_customer_whom_the_champion_knows_is_known_with_every_loan(tmp_path):
    def loans(seed):
        """Rows of 300 customers, of whom each has several loans."""
        return applicants(2000, seed).assign(customer=lambda frame: frame["applicant"] % 300)

    text = DEFINITION.replace('id = "applicant"', 'id = "applicant"\ngroup = "customer"') + LOOSE
    first = as_champion(run(tmp_path, loans(1), text))
    other_split = text.replace("test_share = 0.3", "test_share = 0.3\nseed = 2")
    later = loans(2).assign(applicant=lambda frame: frame["applicant"] + 2000)

    left_out, rows = known(run(tmp_path, later, other_split, champion=first))

    assert 0.5 * rows < left_out < 0.9 * rows


def coarse(seed, rows=6000):
    """People with five features of four values each, so that many are equal."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"f{i}": rng.choice([*"abcd"], rows) for i in range(5)})
    margin = sum(
        (frame[name] == "a") * weight
        for name, weight in zip(frame, (1, 1, 0.5, 0.5, 0), strict=True)
    )
    frame["outcome"] = np.where(margin - 2 + rng.logistic(size=rows) > 0, "bad", "good")
    return frame


def coarse_definition():
    head, _ = WITHOUT_ID.split("[[features]]", 1)
    field = '[[features]]\nname = "f{}"\ntype = "category"\ncategories = ["a", "b", "c", "d"]\n'
    return head + "\n".join(field.format(number) for number in range(5))


def test_other_people_with_equal_features_are_not_taken_for_known(tmp_path):
    first = as_champion(run(tmp_path, coarse(1), coarse_definition()))

    bundle = run(tmp_path, coarse(2), coarse_definition(), champion=first)

    assert known(bundle) == (0, 1800)
    assert gate(bundle, "champion")["passed"]
    assert "than chance explains" in gate(bundle, "champion")["sentence"]


def test_the_same_people_in_another_file_are_said_to_be_known_perhaps(tmp_path):
    first = as_champion(run(tmp_path, coarse(1), coarse_definition()))

    bundle = run(
        tmp_path, coarse(1).sample(frac=1, random_state=2), coarse_definition(), champion=first
    )

    assert known(bundle) == (0, 1800)
    assert re.search(r"trained on up to \d+% of them", gate(bundle, "champion")["sentence"])


def test_the_first_format_of_training_rows_is_read(tmp_path):
    frame = applicants(2000)
    first = as_champion(run(tmp_path, frame, WITHOUT_ID + LOOSE))
    old = replace(first, training_rows=np.unique(first.rows.features).tobytes())
    again = frame.sample(frac=1, random_state=2)

    found, expected = (
        known(run(tmp_path, again, WITHOUT_ID + LOOSE, champion=each)) for each in (old, first)
    )

    assert found == expected


def test_a_champion_without_a_record_of_its_rows_may_know_any(champion, tmp_path):
    old = replace(champion, training_rows=b"")

    bundle = run(tmp_path, applicants(600), champion=old)

    assert "may have been trained on some" in gate(bundle, "champion")["sentence"]


def test_a_worse_challenger_is_rejected(champion, tmp_path):
    bundle = run(tmp_path, applicants(2000), WEAK + LOOSE, champion=champion)

    assert (bundle.status, gate(bundle, "champion")["passed"]) == ("rejected", False)
    assert manifest_of(bundle)["comparison"]["difference"]["high"] < 0


def test_a_version_that_is_as_good_as_a_weak_champion_is_held_to_the_anchor(champion, tmp_path):
    weak = as_champion(run(tmp_path, applicants(2000), WEAK + LOOSE))

    bundle = run(tmp_path, applicants(2000), WEAK + LOOSE, champion=weak, anchor=champion)

    assert gate(bundle, "champion")["passed"]
    assert gate(bundle, "anchor")["passed"] is False
    assert f"{champion.version}, the best version so far," in gate(bundle, "anchor")["sentence"]
    compared = manifest_of(bundle)["anchor"]
    assert (compared["version"], compared["retired"]) == (champion.version, False)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (('column = "outcome"', 'column = "result"'), "trained for another target"),
        (('name = "housing"', 'name = "home"'), "missing columns: housing"),
    ],
    ids=["target", "schema"],
)
def test_an_anchor_that_cannot_score_the_rows_any_more_says_so_and_ends(
    champion, tmp_path, changed, reason
):
    text = DEFINITION.replace(*changed) + LOOSE
    names = {"housing": "home"} if "home" in changed[1] else {"outcome": "result"}
    frame = applicants(2000).rename(columns=names)

    bundle = run(tmp_path, frame, text, champion=champion)

    assert gate(bundle, "anchor")["passed"] is None
    assert reason in gate(bundle, "anchor")["sentence"]
    assert manifest_of(bundle)["anchor"]["retired"]


def test_a_label_more_does_not_end_the_term_of_the_anchor(champion, tmp_path):
    text = DEFINITION.replace('default = ["bad", 1, true]', 'default = ["bad", "lost"]')

    bundle = run(tmp_path, applicants(2000), text, champion=champion)

    assert not manifest_of(bundle)["anchor"]["retired"]
    assert gate(bundle, "anchor")["passed"]


def test_an_anchor_whose_files_are_gone_takes_an_override(champion, tmp_path):
    found = definition(tmp_path)
    path = tmp_path / "data.parquet"
    applicants(400).to_parquet(path)

    bundle = train(found, str(path), incumbents=Incumbents(gone="v1"))

    assert gate(bundle, "anchor")["passed"] is False
    assert "v1, cannot be compared: its files are gone" in gate(bundle, "anchor")["sentence"]
    assert manifest_of(bundle)["anchor"]["retired"]


def test_a_test_set_counts_the_versions_that_it_has_judged(tmp_path):
    frame = applicants(400)
    first = manifest_of(run(tmp_path, frame))["test_set"]

    again = run(tmp_path, frame, WEAK, judged=first["counts"])
    other = run(tmp_path, applicants(400).head(380), judged=first["counts"])

    test_set = manifest_of(again)["test_set"]
    assert (first["versions"], test_set["versions"]) == (1, 2)
    assert test_set["fingerprint"] == first["fingerprint"]
    assert "It has judged 2 versions of this model" in again.files["report.html"].decode()
    assert manifest_of(other)["test_set"]["versions"] == 1
    assert "It has judged" not in other.files["report.html"].decode()


def test_a_shifted_population_is_rejected(champion, tmp_path):
    frame = applicants(2000, seed=3)
    frame["debt"] *= 8

    bundle = run(tmp_path, frame, champion=champion)

    assert gate(bundle, "stability")["passed"] is False
    assert "debt (PSI" in gate(bundle, "stability")["sentence"]
    assert "region" not in gate(bundle, "stability")["sentence"]


MORE = '[[features]]\nname = "tenure"\ntype = "integer"\nminimum = 0\n\n[[derived]]'


@pytest.mark.parametrize(
    ("wanted", "status"),
    [(LOOSE, "rejected"), (LOOSE + "breaking = true\n", "candidate")],
    ids=["not declared", "declared"],
)
def test_a_required_field_more_is_rejected_unless_it_is_declared(
    champion, tmp_path, wanted, status
):
    frame = applicants(2000).assign(tenure=np.arange(2000) % 40)
    text = DEFINITION.replace("[[derived]]", MORE) + wanted

    bundle = run(tmp_path, frame, text, champion=champion)

    assert bundle.status == status
    assert "tenure: is new and required" in gate(bundle, "schema")["sentence"]
    comparison = manifest_of(bundle)["comparison"]  # read with its own definition
    assert comparison["rows"] == manifest_of(bundle)["dataset"]["test"]["rows"]


def test_a_champion_that_cannot_read_the_rows_any_more_fails_the_comparison(champion, tmp_path):
    without = DEFINITION.replace(
        '[[features]]\nname = "housing"\ntype = "category"\n'
        'categories = ["own", "rent"]\nactionable = { to = ["own"] }\n',
        "",
    )
    assert without != DEFINITION
    frame = applicants(2000).drop(columns="housing")

    bundle = run(tmp_path, frame, without + LOOSE, champion=champion)

    assert gate(bundle, "champion")["passed"] is False
    assert "missing columns: housing" in gate(bundle, "champion")["sentence"]
    assert gate(bundle, "stability")["passed"] is None
    assert gate(bundle, "schema")["passed"] is False


def test_a_feature_that_is_the_outcome_is_rejected(tmp_path):
    frame = applicants(800)
    frame["housing"] = np.where(frame["outcome"] == "bad", "rent", "own")

    bundle = run(tmp_path, frame)

    assert (bundle.status, gate(bundle, "leakage")["passed"]) == ("rejected", False)
    assert "housing (AUC 1.000)" in gate(bundle, "leakage")["sentence"]


def test_less_discrimination_than_the_definition_asks_for_is_rejected(tmp_path):
    bundle = run(tmp_path, applicants(800), DEFINITION + "\n[gates]\nmin_auc = 0.8\n")

    assert (bundle.status, gate(bundle, "discrimination")["passed"]) == ("rejected", False)


@pytest.mark.parametrize(("late", "passed"), [(0, True), (3, False)])
def test_a_column_known_after_the_decision_is_rejected(tmp_path, late, passed):
    decided = pd.Timestamp("2026-01-31") + pd.to_timedelta(np.arange(800), "h")
    frame = applicants(800).assign(decided=decided, bureau=decided - pd.Timedelta("1D"))
    frame.loc[: late - 1, "bureau"] += pd.Timedelta("9D")
    times = '\n[gates]\ndecision_time = "decided"\nknown_times = ["bureau"]\n'

    bundle = run(tmp_path, frame, DEFINITION + times)

    assert gate(bundle, "timing")["passed"] is passed
    assert gate(bundle, "timing")["value"] == late


def test_a_champion_with_money_of_other_columns_is_still_compared(tmp_path):
    economics = '\n[economics]\ncurrency = "EUR"\nprofit_of_a_good = "earned"\n'
    economics += 'loss_given_default = 0.4\nexposure = "debt"\n'
    first = run(tmp_path, applicants(600).assign(earned=50.0), DEFINITION + LOOSE + economics)
    fewer = re.sub(r'\[\[features\]\]\nname = "housing".*?\n\n', "", DEFINITION, flags=re.DOTALL)

    bundle = run(tmp_path, applicants(600), fewer + LOOSE, champion=as_champion(first))

    swap = manifest_of(bundle)["comparison"]["swap_set"]
    assert sum(group["rows"] for group in swap["groups"].values()) == 180
    assert swap["gain"] is None
