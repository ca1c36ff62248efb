"""A champion, a better and a worse challenger, each by dropping Taiwan's data into the bucket."""

import pandas as pd
import pytest

from cli.datasets import upload
from local.environment import SETTINGS
from local.stack import Stack
from scoreline.aws.registry import ModelRegistry
from tests.e2e.test_models import APPROVER, poll
from tests.e2e.test_stack import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("in_stack")]

MODEL = "taiwan-default"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(http_port=0, aws_port=0, state_dir=tmp_path_factory.mktemp("state")) as stack:
        yield stack


@pytest.fixture
def drop(client, tmp_path):
    """Upload rows, and wait for the version that comes of them."""

    def drop(name, rows):
        folder = tmp_path / name
        folder.mkdir()
        rows.to_parquet(folder / "rows.parquet")
        job = upload(MODEL, str(folder), SETTINGS.bucket, "ada").job
        ended = ("succeeded", "failed")
        assert eventually(lambda: client.get(f"/train/{job}").is_success)
        done = poll(client, f"/train/{job}", lambda job: job["state"] in ended, timeout_s=400)
        assert done["state"] == "succeeded", done
        manifest = ModelRegistry.connect(SETTINGS).manifest(MODEL, done["model_name"])
        print(name, done["model_name"], done["score"], done["status"])
        for gate in manifest["gates"]:
            print(" ", gate["gate"], gate["passed"], gate["sentence"])
        return done, manifest

    return drop


def promote(client, version, **body):
    body = {"version": version, "reason": "the better one", **body}
    return client.post(f"/models/{MODEL}/promote", json=body, headers=APPROVER)


def failed(manifest):
    return [gate["gate"] for gate in manifest["gates"] if gate["passed"] is False]


def test_a_better_challenger_is_promoted_and_a_worse_one_only_by_override(client, data_dir, drop):
    rows = pd.read_parquet(data_dir / "taiwan_default.parquet").sample(frac=1, random_state=1)

    # Applicants under 25 are approved two thirds as often as those of 25 to 39, if not less.
    age = {"override": True, "reason": "a drill: Regulation B protects the elderly, not the young"}

    first, manifest = drop("first-third", rows[:10_000])
    assert failed(manifest) == ["fairness"]
    assert promote(client, first["model_name"]).status_code == 409
    assert promote(client, first["model_name"], **age).status_code == 200

    better, manifest = drop("all", rows)
    comparison = manifest["comparison"]
    assert failed(manifest) == ["fairness"]
    assert comparison["champion"] == first["model_name"]
    assert comparison["difference"]["value"] > 0
    # A split by id holds nearly the same people out each time.
    assert comparison["known"] < comparison["rows"] / 100
    assert promote(client, better["model_name"], **age).status_code == 200

    worse, manifest = drop("extract", rows[:800])
    assert (worse["status"], failed(manifest)) == ("rejected", ["champion", "anchor"])
    assert manifest["comparison"]["difference"]["low"] < -0.01
    refused = promote(client, worse["model_name"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "version_rejected")
    assert "champion: On " in refused.json()["error"]["message"]
    report = client.get(f"/models/{MODEL}/versions/{worse['model_name']}/report").text
    assert "Rejected:" in report

    forced = promote(client, worse["model_name"], override=True, reason="a drill, rolled back")
    assert (forced.status_code, forced.json()["override"]) == (200, ["champion", "anchor"])
    [entry, *_] = client.get(f"/models/{MODEL}/history").json()["history"]
    assert (entry["reason"], entry["override"]) == (
        "a drill, rolled back",
        ["champion", "anchor"],
    )
    client.post(f"/models/{MODEL}/rollback", json={"reason": "end of the drill"})
    assert (
        client.get("/config").json()["models"][MODEL]["champion"]["version"]
        == (better["model_name"])
    )
