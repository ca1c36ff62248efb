import csv
import json

import pytest

from cli.demo import APPLICATION

pytestmark = pytest.mark.slow


def test_batch_scores_a_file_with_the_champion(scoreline, approver, registry, tmp_path):
    scoreline("train", "german-credit", "--dataset", "german.csv")
    approver("promote", "german-credit")
    one = json.dumps(APPLICATION)
    alone = json.loads(scoreline("predict", "german-credit", "-", input=one).stdout)
    with open(tmp_path / "many.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, APPLICATION)
        writer.writeheader()
        writer.writerows([APPLICATION, {**APPLICATION, "housing": "castle"}])

    done = scoreline("batch", "german-credit", "many.csv", "scores.csv", "--reasons")

    assert done.exit_code == 0, done.output
    assert "1 rows scored: scores.csv" in done.output
    assert "1 rows rejected: scores.rejected.csv" in done.output
    [answer] = csv.DictReader((tmp_path / "scores.csv").read_text().splitlines())
    assert (answer["row"], answer["score"]) == ("1", str(alone["score"]))
    assert answer["reason_1"] == alone["reasons"][0]["code"]
    assert "castle" not in (tmp_path / "scores.rejected.csv").read_text()
    assert "must be one of: own, rent, for free" in done.output  # the rules that rows broke

    options = ("--keep", "housing,purpose", "--contributions", "--restart", "--json")
    done = scoreline("batch", "german-credit", "many.csv", "scores.csv", *options)

    summary = json.loads(done.stdout)
    assert summary["decisions"] == {answer["decision"]: 1}
    assert summary["scores"]["median"] == alone["score"]
    assert summary["rules"][0]["rows"] == 1
    [answer] = csv.DictReader((tmp_path / "scores.csv").read_text().splitlines())
    assert answer["housing"] == APPLICATION["housing"]
    assert float(answer["contribution_housing"])
