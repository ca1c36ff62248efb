import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.environment import read_template
from scoreline.api.application_schema import application_schema
from scoreline.api.openapi import ANSWERS, Champions, openapi_document
from scoreline.api.schemas import BODIES
from scoreline.core.contract import Band, Contract, Feature, RiskLevel, ScoreScale
from tests import shop
from tests.sample import APPLICATION, bundle, publish

CONTRACT = Contract(
    model="loan-risk",
    task="default",
    description="Invented",
    features=(
        Feature(name="income", type="number", minimum=0, special_codes={"unknown": -99}),
        Feature(name="housing", type="category", categories=("own", "rent"), nullable=True),
    ),
    derived=(),
    score_scale=ScoreScale(),
    bands=(Band(decision="approve"),),
    risk_levels=(RiskLevel(name="low"),),
    reasons=(),
    max_reasons=4,
)
SCHEMA = application_schema(CONTRACT)
ROUTES = read_template().routes


def validate(document):
    OpenAPIV31SpecValidator(document).validate()


def body_of(document, path):
    return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


@pytest.fixture(scope="module")
def document():
    return openapi_document(ROUTES, Champions("loan-risk", {"loan-risk": SCHEMA}))


def test_the_document_is_valid_openapi_31(document):
    validate(document)


def test_the_document_is_valid_before_anything_is_promoted():
    validate(openapi_document(ROUTES, Champions("", {})))


def test_every_route_of_the_template_is_described_and_nothing_else():
    routes = {(route.method, route.path) for route in ROUTES}

    assert routes == ANSWERS.keys()
    assert BODIES.keys() | {r for r in routes if "predict" in r[1]} == {
        route for route in routes if route[0] in ("POST", "PUT")
    }


def test_a_promoted_model_has_paths_of_its_own(document):
    assert body_of(document, "/models/loan-risk/predict") == {
        "$ref": "#/components/schemas/Application-loan-risk"
    }
    assert body_of(document, "/models/loan-risk/predict/batch")["properties"]["applications"][
        "items"
    ] == {"$ref": "#/components/schemas/Application-loan-risk"}
    assert document["components"]["schemas"]["Application-loan-risk"] == SCHEMA


def test_predict_takes_the_default_models_application_or_names_a_bank(document):
    own, banked = body_of(document, "/predict")["anyOf"]

    assert own == {"$ref": "#/components/schemas/Application-loan-risk"}
    assert banked["required"] == ["bank"]


def test_every_operation_has_an_id_of_its_own_and_an_error(document):
    operations = [o for path in document["paths"].values() for o in path.values()]
    ids = [operation["operationId"] for operation in operations]

    assert len(set(ids)) == len(ids)
    assert all(
        o["responses"]["default"]["content"]["application/json"]["schema"]
        == {"$ref": "#/components/schemas/Error"}
        for o in operations
    )


def test_the_front_serves_the_document_of_an_empty_deployment(real_front):
    document = real_front.get("/openapi.json").json()

    validate(document)
    assert "/predict" in document["paths"]


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_real_answers_are_what_the_document_says(real_front, registry):
    publish(registry, bundle())
    document = real_front.get("/openapi.json").json()
    validate(document)
    asked = [
        ("POST", "/predict", APPLICATION),
        ("POST", "/models/sample/predict", APPLICATION),
        ("POST", "/models/sample/predict/batch", {"applications": [APPLICATION]}),
        ("GET", "/health", None),
        ("GET", "/config", None),
        ("GET", "/models", None),
        ("GET", "/models/{model}/versions", None),
        ("GET", "/models/{model}/history", None),
    ]

    for method, path, body in asked:
        response = real_front.request(method, path.replace("{model}", "sample"), json=body)
        operation = document["paths"][path][method.lower()]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert response.status_code == 200, (path, response.text)
        check({**schema, "components": document["components"]}, response.json())
        if body is not None:
            taken = operation["requestBody"]["content"]["application/json"]["schema"]
            check({**taken, "components": document["components"]}, body)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_a_recommendation_has_paths_and_answers_of_its_own(real_front, registry):
    publish(registry, bundle())
    shop.publish(registry, shop.bundle())
    document = real_front.get("/openapi.json").json()
    validate(document)
    customer = {**shop.CUSTOMER, "held": ["card"]}
    asked = {"/predict": customer, "/predict/batch": {"applications": [customer]}}

    for suffix, body in asked.items():
        operation = document["paths"][f"/models/shop{suffix}"]["post"]
        response = real_front.post(f"/models/shop{suffix}", json=body)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        check({**schema, "components": document["components"]}, response.json())

    assert "/models/shop/what-if" not in document["paths"]
    assert "/models/sample/what-if" in document["paths"]
    held = document["components"]["schemas"]["Application-shop"]["properties"]["held"]
    assert held["items"]["enum"] == ["account", "card", "fund", "mortgage"]


def check(schema, value):
    Draft202012Validator(schema).validate(value)
