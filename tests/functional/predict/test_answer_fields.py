"""Names that clients know, spellings of categories and accepted categories, over HTTP."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from functions.predict import routes as app
from scoreline.serving.verification import verify
from tests import sample, shop
from tests.sample import APPLICATION, DEFINITION, publish
from tests.shared import trained

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
PATH = "/models/{model}/predict"
ANSWER = """
[answer]
status = { constant = "success" }
prediction = "predicted_default"
probability = "probability_of_default"
timestamp = "answered_at"
served_by = "version"

[score]"""
SPELT = DEFINITION.replace("[score]", ANSWER).replace(
    'name = "region"',
    'name = "region"\nnormalize = "case and spaces"\ncategory_aliases = { nord = "north" }',
)


def train(text, rows, define):
    def made(folder):
        from training.train import train

        rows.to_parquet(folder / "data.parquet")
        return train(define(folder, text), str(folder / "data.parquet"))

    return made


@pytest.fixture
def made():
    text = SPELT.replace("n_estimators = 30", "n_estimators = 5")
    rows = sample.applicants(300).replace({"region": {"south": " South "}})
    return trained("sample-spelt", train(text, rows, sample.definition))


@pytest.fixture(autouse=True)
def promoted(registry, endpoint, made):
    publish(registry, made)


@pytest.fixture
def call(rest_event, lambda_context):
    def send(body, path=PATH, model="sample"):
        response = app.lambda_handler(
            rest_event("POST", path, {"model": model}, body), lambda_context
        )
        return response["statusCode"], json.loads(response["body"])

    return send


def assert_named(answer, made):
    assert answer["status"] == "success"
    assert answer["prediction"] in (0, 1)
    assert answer["prediction"] == (answer["probability_of_default"] >= 0.5)
    assert answer["probability"] == answer["probability_of_default"]
    assert answer["served_by"] == answer["version"] == made.version
    age = datetime.now(UTC) - datetime.fromisoformat(answer["timestamp"])
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_the_names_that_clients_know_are_in_single_answers_and_in_those_of_a_batch(call, made):
    other = {**APPLICATION, "debt": 1e6}

    _, single = call(APPLICATION)
    _, batch = call({"applications": [APPLICATION, {}, other]}, PATH + "/batch")

    first, broken, second = batch["results"]
    for answer in (single, first, second):
        assert_named(answer, made)
    assert set(broken) == {"error"}
    assert {"status", "prediction"}.isdisjoint(batch)


def test_a_what_if_has_the_names_on_both_sides(call, made):
    body = {"application": APPLICATION, "changes": {"debt": 100}}

    _, answer = call(body, "/models/{model}/what-if")

    assert_named(answer["before"], made)
    assert_named(answer["after"], made)


def test_a_direct_invocation_has_the_names(lambda_context, made):
    event = {"model": "sample", "application": APPLICATION}

    assert_named(app.lambda_handler(event, lambda_context), made)


def test_a_version_with_further_fields_can_be_promoted(registry, made):
    assert verify(registry, "sample", made.version)


@pytest.mark.parametrize("region", ["north", "North", "  NORTH ", "nord", "Nord"])
def test_spellings_of_a_category_give_one_answer(call, region):
    _, plain = call(APPLICATION)

    status, answer = call({**APPLICATION, "region": region})

    assert status == 200
    assert "unseen" not in answer
    assert answer["reasons"] == plain["reasons"]
    assert answer["score"] == plain["score"]


def test_categories_in_the_training_data_are_compared_alike(made):
    dataset = json.loads(made.files["manifest.json"])["dataset"]

    assert dataset["unseen_categories"].keys() == {"region"}
    assert dataset["unseen_categories"]["region"] < 30, "east alone, not ' South '"


def test_an_accepted_category_is_named_and_counted(call, capsys):
    unseen = {**APPLICATION, "region": "east"}
    call(APPLICATION)
    capsys.readouterr()

    _, single = call({**unseen, "id": "a"})
    _, batch = call(
        {"applications": [unseen, APPLICATION, {**unseen, "debt": -1}, unseen]}, PATH + "/batch"
    )
    _, plain = call(APPLICATION)

    assert single["unseen"] == ["region"]
    assert [result.get("unseen") for result in batch["results"]] == [
        ["region"],
        None,
        None,
        ["region"],
    ]
    assert "unseen" not in plain
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("UnseenCategories") for line in lines] == [[1], [2], None]
    assert "east" not in json.dumps(single) + json.dumps(lines)


def test_products_are_named_in_one_text(registry, call):
    text = shop.DEFINITION.replace(
        "[algorithm]", '[answer]\nPredictions = "recommended_products"\n\n[algorithm]'
    )
    shop.publish(registry, trained("shop-named", train(text, shop.customers(300), shop.definition)))
    customers = [{**shop.CUSTOMER, "held": ["account"]}, {**shop.CUSTOMER, "country": "PT"}]

    _, single = call(customers[0], model="shop")
    _, batch = call({"applications": customers}, PATH + "/batch", model="shop")

    for answer in (single, *batch["results"]):
        products = [item["product"] for item in answer["recommendations"]]
        assert answer["Predictions"] == " ".join(products)
        assert len(products) == 2
    assert [result.get("unseen") for result in batch["results"]] == [None, ["country"]]
