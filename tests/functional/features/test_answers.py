"""From raw tables to the HTTP answer for a returning customer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from cli.app import app as command_line
from features.home_credit.pipeline import HOME_CREDIT
from functions.predict import routes as app
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef, digest
from scoreline.definition.files import load_definition
from training.generators.folders import generate_tables, write_tables
from training.train import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
]

MODEL = "home-credit"


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, generate_tables(MODEL, 1_500, seed=1))
    return folder


@pytest.fixture(params=["invented", "real"])
def source(request):
    if request.param == "invented":
        return request.getfixturevalue("invented")
    return request.getfixturevalue("data_dir") / "home_credit"


@pytest.fixture
def served(registry, endpoint, settings, source):
    """The model, trained on the offline table of `scoreline features build`."""
    arguments = ["features", "build", MODEL, "--tables", str(source), "--stage", settings.stage]
    built = CliRunner().invoke(command_line, arguments, catch_exceptions=False)
    assert built.exit_code == 0
    definition = load_definition(MODEL)
    bundle = train(definition, f"s3://{settings.bucket}/{definition.dataset}")
    registry.publish(MODEL, bundle.version, bundle.files)
    pointer = Pointer(VersionRef(bundle.version, digest(bundle.files[MODEL_FILE])))
    registry.write_pointer(MODEL, pointer)
    return bundle


@pytest.fixture
def event(load_event):
    return load_event("predict-home-credit")


@pytest.fixture
def send(event, lambda_context):
    def post(**changes):
        body = {**json.loads(event["body"]), **changes}
        sent = {k: v for k, v in body.items() if v is not None}
        answer = app.lambda_handler({**event, "body": json.dumps(sent)}, lambda_context)
        assert answer["statusCode"] == 200, answer["body"]
        return json.loads(answer["body"])

    return post


def test_a_returning_customer_is_scored_with_the_history(served, send):
    known = send()
    new, unknown = send(customer_id=None), send(customer_id="nobody")

    features = known["features"]
    assert known["version"] == served.version
    assert features["customer_id"] == "100002"
    assert 0 < len(features["found"]) <= len(HOME_CREDIT.features)
    assert datetime.now(UTC) - datetime.fromisoformat(features["as_of"]) < timedelta(hours=1)
    assert features["age_days"] < 0.05
    assert new["features"]["found"] == unknown["features"]["found"] == []
    assert new["probability_of_default"] == unknown["probability_of_default"]
    assert known["probability_of_default"] != new["probability_of_default"]
    assert served.score > 0.65


def test_features_list_says_what_each_is():
    listed = CliRunner().invoke(command_line, ["features", "list", MODEL]).output

    assert all(name in listed for name in HOME_CREDIT.features)
    assert all(history.table in listed for history in HOME_CREDIT.histories)
