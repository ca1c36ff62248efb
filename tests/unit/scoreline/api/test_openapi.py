import json
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.admin import handler as admin
from functions.predict import routes as predict
from local.environment import read_template
from scoreline.api.application_schema import application_schema
from scoreline.api.json_schema import schema_of_table
from scoreline.api.openapi import openapi_document
from scoreline.api.promoted_model import COMPUTED, PromotedModel
from scoreline.api.routes import ROUTES
from scoreline.core.contract import CreditFigure, RecommendationFigure
from scoreline.core.errors import ScorelineError
from scoreline.definition.files import load_definition, read_definition
from scoreline.scoring.application import ApplicationEncoder
from tests.sample import DEFINITION
from tests.support import EVENTS, load_event
from tests.unit.scoreline.api.test_fields import BODIES, JSON, TABLES

SHIPPED = ["credit-card", "german-credit", "home-credit", "loan-risk", "product-recommendation"]


@pytest.fixture(scope="module")
def contracts(tmp_path_factory):
    path = Path(tmp_path_factory.mktemp("definition"), "sample.toml")
    path.write_text(DEFINITION)
    definitions = [*map(load_definition, SHIPPED), read_definition(path)]
    return {definition.name: definition.contract() for definition in definitions}


@pytest.fixture(scope="module")
def document(contracts):
    models = {
        name: PromotedModel(name, application_schema(contract), {"id": "golden"})
        for name, contract in contracts.items()
    }
    return openapi_document(models, "sample")


@pytest.fixture(scope="module")
def body_of(document):
    """Validator of what a path takes."""

    def body_of(path, method="post"):
        content = document["paths"][path][method]["requestBody"]["content"]
        return Draft202012Validator({**content["application/json"]["schema"], **document})

    return body_of


@pytest.mark.slow
def test_the_document_is_valid_openapi_31(document):
    OpenAPIV31SpecValidator(document).validate()


@pytest.mark.slow
def test_the_document_is_valid_before_anything_is_promoted():
    OpenAPIV31SpecValidator(openapi_document()).validate()


def test_the_template_has_every_route_with_its_function_and_its_auth():
    template = {
        (route.method, route.path): (route.function.handler.split(".")[1], route.auth)
        for route in read_template().routes
    }

    assert template == {key: (route.function, route.auth) for key, route in ROUTES.items()}


@pytest.mark.parametrize(("function", "module"), [("predict", predict), ("admin", admin)])
def test_a_function_answers_the_routes_that_are_described(function, module):
    described = {key for key, route in ROUTES.items() if route.function == function}

    assert module.ROUTES.keys() == described


def test_every_route_that_takes_a_body_says_which():
    assert {key for key, route in ROUTES.items() if route.body is not None} == {
        key for key in ROUTES if key[0] in ("POST", "PUT")
    }


def test_operations_have_names_of_their_own_and_an_error(document):
    operations = [o for path in document["paths"].values() for o in path.values()]
    names = [operation["operationId"] for operation in operations]
    error = {"$ref": "#/components/schemas/ErrorAnswer"}

    assert len(set(names)) == len(names)
    for operation in operations:
        default = operation["responses"]["default"]["content"]["application/json"]
        assert default["schema"] == error


def test_a_promoted_model_has_paths_of_its_own(document):
    schemas = document["components"]["schemas"]
    batch = schemas["LoanRiskBatch"]["properties"]["applications"]

    assert batch["items"] == {"$ref": "#/components/schemas/LoanRiskApplication"}
    assert document["paths"]["/models/loan-risk/predict"]["post"]["tags"] == ["loan-risk"]
    assert "/models/product-recommendation/what-if" not in document["paths"]
    assert schemas["HomeCreditCustomer"]["properties"].keys() == {"customer_id", "application"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["error", "credit", "recommendation", "batch", "model", "model-batch", "banked"]
)
def test_the_name_of_a_model_replaces_nothing_else_in_the_document(contracts, name):
    plain = openapi_document()
    schema = application_schema(contracts["sample"])

    found = openapi_document({name: PromotedModel(name, schema)}, name)

    OpenAPIV31SpecValidator(found).validate()
    operations = [o["operationId"] for path in found["paths"].values() for o in path.values()]
    assert len(set(operations)) == len(operations)
    schemas = found["components"]["schemas"]
    assert {key: schemas[key] for key in plain["components"]["schemas"]} == (
        plain["components"]["schemas"]
    )


def test_predict_takes_the_default_models_application_or_names_a_bank(document):
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]

    assert content["application/json"]["schema"]["anyOf"] == [
        {"$ref": "#/components/schemas/SampleApplication"},
        {"$ref": "#/components/schemas/BankedApplication"},
    ]


def test_the_example_of_a_model_stands_in_each_of_its_bodies(document):
    def example(path):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        return content["application/json"]["example"]

    assert example("/models/loan-risk/predict") == {"id": "golden"}
    assert example("/models/loan-risk/predict/batch") == {"applications": [{"id": "golden"}]}
    assert example("/models/loan-risk/what-if") == {
        "application": {"id": "golden"},
        "target": "approve",
    }


def test_bodies_take_no_further_fields_but_those_of_an_unknown_application(document):
    open_bodies = {
        name
        for name, schema in document["components"]["schemas"].items()
        if name.endswith(("Application", "Batch", "Customer", "Request", "WhatIf"))
        and schema["additionalProperties"] is not False
    }

    assert open_bodies == {"BankedApplication", "PredictRequest", "PredictModelRequest"}


def listed(schema):
    """The types of each list of values in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield {type(value) for value in schema["enum"]}
        yield from (found for part in schema.values() for found in listed(part))
    if isinstance(schema, list):
        yield from (found for part in schema for found in listed(part))


def test_special_codes_are_whole_numbers_with_names(document):
    income = document["components"]["schemas"]["SampleApplication"]["properties"]["income"]
    _, codes, _ = income["anyOf"]

    assert (codes["type"], codes["enum"]) == ("integer", [-99, -98])
    assert codes["x-enum-varnames"] == ["no_record", "refused"]
    assert all(types in ({str}, {int}) for types in listed(document))


def test_a_special_code_that_is_no_whole_number_is_the_only_one_of_its_range(contracts):
    from dataclasses import replace

    contract = contracts["sample"]
    income = replace(contract.features[0], special_codes={"unknown": -0.5})
    schema = application_schema(replace(contract, features=(income,)))

    code = schema["properties"]["income"]["anyOf"][1]
    assert (code["type"], code["minimum"], code["maximum"]) == ("number", -0.5, -0.5)


@cache
def validator_of(name):
    return Draft202012Validator(schema_of_table(TABLES[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=30)
@given(body=JSON | BODIES)
@example(body={"applications": [None]})
def test_the_schema_of_a_table_takes_all_that_the_table_takes(name, body):
    if not list(TABLES[name].problems(body)):
        validator_of(name).validate(body)


def takes(contracts, event):
    """Whether a route's table, and a model's contract, take the body of an event."""
    route = ROUTES[event["httpMethod"], event["resource"]]
    body = json.loads(event["body"])
    if list(route.body.problems(body)):
        return False
    model = (event["pathParameters"] or {}).get("model", "sample")
    if route.function == "predict":
        encoder = ApplicationEncoder(contracts[model])
        return all(encodes(encoder, item) for item in body.get("applications", [body]))
    return True


def encodes(encoder, scored):
    application = scored.get("application", scored)
    try:
        encoder.encode({name: v for name, v in application.items() if name != "bank"})
    except ScorelineError:
        return False
    return True


WITH_BODY = [
    path.stem for path in sorted(EVENTS.glob("*.json")) if load_event(path.stem).get("body")
]


@pytest.mark.parametrize("name", WITH_BODY)
def test_an_event_is_taken_by_the_document_as_by_the_handler(name, contracts, body_of, document):
    event = load_event(name)
    path = event["path"] if event["path"] in document["paths"] else event["resource"]

    described = body_of(path, event["httpMethod"].lower()).is_valid(json.loads(event["body"]))

    assert described == takes(contracts, event)
    assert described == ("bad-fields" not in name and name not in OTHERS_REFUSED)


OTHERS_REFUSED = {
    "predict-batch",  # one of its applications
    "predict-model-batch",
    "predict-loan-risk-batch",
    "train-local-path",
}


def properties_of(document, component):
    return document["components"]["schemas"][component]["properties"]


def test_the_answer_of_a_model_has_the_fields_that_its_contract_adds(document):
    answer = document["components"]["schemas"]["LoanRiskAnswer"]
    path = document["paths"]["/models/loan-risk/predict"]["post"]["responses"]["200"]
    [content] = path["content"].values()

    assert content["schema"] == {"$ref": "#/components/schemas/LoanRiskAnswer"}
    assert answer["properties"]["prediction"] == {"type": "integer", "enum": [0, 1]}
    assert answer["properties"]["status"] == {"const": "success"}
    assert answer["properties"]["timestamp"]["format"] == "date-time"
    assert {"status", "prediction", "probability", "timestamp"} <= set(answer["required"])
    assert "Predictions" in properties_of(document, "ProductRecommendationAnswer")
    results = properties_of(document, "LoanRiskBatchAnswer")["results"]["items"]["anyOf"]
    assert results[0] == {"$ref": "#/components/schemas/LoanRiskAnswer"}


def test_every_figure_that_a_definition_may_add_has_a_schema(document):
    for figures, component in (
        (CreditFigure, "CreditAnswer"),
        (RecommendationFigure, "RecommendationAnswer"),
    ):
        known = {*properties_of(document, component), *COMPUTED}
        assert set(get_args(figures)) <= known
