"""The OpenAPI document and its page, as the admin function serves them."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.admin.handler import lambda_handler
from functions.predict import routes as predict
from scoreline.aws.predict_function import PredictFunction
from scoreline.core.versions import Pointer, VersionRef
from tests import shop
from tests.sample import bundle, publish

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def predict_answers(lambda_context, monkeypatch, endpoint):
    """Let admin's invocations reach the predict function of this process."""

    def invoke(_function, event):
        return json.dumps(predict.lambda_handler(event, lambda_context)).encode()

    monkeypatch.setattr(PredictFunction, "_invoke", invoke)


@pytest.fixture
def document(load_event, lambda_context):
    """The document that the handler serves now."""

    def document():
        answer = lambda_handler(load_event("openapi"), lambda_context)
        assert answer["statusCode"] == 200
        return json.loads(answer["body"])

    return document


def test_a_deployment_without_models_has_a_document(aws, document, predict_answers):
    OpenAPIV31SpecValidator(document()).validate()
    assert "/predict" in document()["paths"]


@pytest.mark.slow
def test_a_promoted_model_is_described_and_its_example_scores(
    registry, document, predict_answers, rest_event, lambda_context
):
    publish(registry, bundle())
    found = document()
    OpenAPIV31SpecValidator(found).validate()

    for path in ("/models/sample/predict", "/models/sample/predict/batch"):
        body = found["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        event = rest_event("POST", path.replace("sample", "{model}"), {"model": "sample"}, body)
        answer = predict.lambda_handler(event, lambda_context)
        assert answer["statusCode"] == 200
        assert '"error"' not in answer["body"]
    manifest = json.loads(bundle().files["manifest.json"])
    example = found["paths"]["/models/sample/predict"]["post"]["requestBody"]["content"]
    assert example["application/json"]["example"] in [
        {name: value for name, value in row["application"].items() if value is not None}
        for row in manifest["golden"]
    ]


@pytest.mark.slow
def test_the_example_of_a_model_with_customers_has_an_application(
    registry, document, predict_answers
):
    publish(registry, bundle(history=True))

    content = document()["paths"]["/models/sample/predict"]["post"]["requestBody"]["content"]

    assert content["application/json"]["example"].keys() == {"application"}


@pytest.mark.slow
def test_a_recommendation_has_no_what_if(registry, document, predict_answers):
    shop.publish(registry, shop.bundle())

    found = document()

    assert "/models/shop/what-if" not in found["paths"]
    held = found["components"]["schemas"]["ShopApplication"]["properties"]["held"]
    assert held["items"]["enum"] == ["account", "card", "fund", "mortgage"]


@pytest.mark.slow
def test_a_champion_that_does_not_load_is_left_out(registry, document, predict_answers, publish):
    publish("20261121T004512Z-3fa9c1d2", model="broken")
    champion = VersionRef("20261121T004512Z-3fa9c1d2", "0" * 64)
    registry.write_pointer("broken", Pointer(champion))

    assert "/models/broken/predict" not in document()["paths"]


def test_the_page_holds_swagger_ui_and_the_document_and_refers_to_nothing_else(
    aws, load_event, lambda_context, predict_answers
):
    answer = lambda_handler(load_event("docs"), lambda_context)

    page = answer["body"]
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert page.count("</script>") == 2
    assert "SwaggerUIBundle({spec: {" in page
    assert not re.search(r"""<(script|link|img)[^>]*(src|href)=["'](?!data:)""", page)
    assert len(json.dumps(answer)) < 6_000_000
