"""Product recommendation from raw rows to the HTTP answer: invented rows, and the real ones."""

import json

import pytest

from functions.predict import routes as app
from scoreline.core.versions import MODEL_FILE, Pointer, Routing, VersionRef, digest
from scoreline.definition.files import load_definition
from scoreline.serving.verification import verify
from training.data.load import load_dataset
from training.generators.product_recommendation import OWNERSHIP
from training.generators.registry import generate, write
from training.train import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:No application metrics to publish"),
]
MODEL = "product-recommendation"


@pytest.fixture(scope="module")
def definition():
    return load_definition(MODEL)


@pytest.fixture(scope="module")
def invented(definition, tmp_path_factory):
    path = tmp_path_factory.mktemp(MODEL) / "customers.parquet"
    write(path, generate(MODEL, 4_000, 1))
    return train(definition, str(path))


@pytest.fixture
def served(registry, endpoint, invented):
    registry.publish(MODEL, invented.version, invented.files)
    sha256 = verify(registry, MODEL, invented.version)
    assert sha256 == digest(invented.files[MODEL_FILE])
    registry.write_pointer(MODEL, Pointer(VersionRef(invented.version, sha256)))
    registry.write_routing(Routing(MODEL, {"south-bank": MODEL}))


@pytest.fixture
def handle(served, lambda_context):
    def send(event):
        response = app.lambda_handler(event, lambda_context)
        if "statusCode" not in response:
            return None, response
        return response["statusCode"], json.loads(response["body"])

    return send


def products(answer):
    return [item["product"] for item in answer["recommendations"]]


def test_a_customer_gets_the_seven_likeliest_products(handle, load_event, invented, definition):
    status, answer = handle(load_event("predict-product-recommendation"))

    assert status == 200
    assert (answer["id"], answer["model"], answer["version"]) == (
        "customer-1",
        MODEL,
        invented.version,
    )
    assert set(answer) == {
        *("id", "model", "version", "recommendations", "Predictions", "processing_time_ms"),
    }
    probabilities = [item["probability"] for item in answer["recommendations"]]
    assert len(probabilities) == 7
    assert probabilities == sorted(probabilities, reverse=True)
    described = {label.name: label.description for label in definition.labels}
    assert all(i["description"] == described[i["product"]] for i in answer["recommendations"])


# The requests that the first service documented: a flag as text, a field's other name, a province
# in mixed case, and -99 for an income that is not known.
DOCUMENTED = [
    {
        "sexo": "H",
        "age": 22,
        "segmento": "03 - UNIVERSITARIO",
        "antiguedad": 34,
        "tiprel_1mes": "I",
        "renta": 106885.8,
        "pais_residencia": "ES",
        "ind_actividad_cliente": "0",
        "nomprav": "BALEARs, ILLES",
    },
    {
        "sexo": "V",
        "age": 56,
        "segmento": "01 - TOP",
        "antiguedad": 256,
        "tiprel_1mes": "A",
        "renta": 326124.9,
        "pais_residencia": "ES",
        "ind_actividad_cliente": "0",
        "nomprav": "MADRID",
    },
    {
        "sexo": "H",
        "age": 36,
        "segmento": "02 - PARTICULARES",
        "antiguedad": 34,
        "tiprel_1mes": "I",
        "renta": -99,
        "pais_residencia": "ES",
        "ind_actividad_cliente": "0",
        "nomprav": "ALICANTE",
    },
]


@pytest.mark.parametrize("customer", DOCUMENTED, ids=lambda customer: customer["nomprav"])
def test_documented_requests_of_the_first_service_are_answered(handle, rest_event, customer):
    status, answer = handle(rest_event("POST", "/predict", None, customer))

    assert status == 200
    assert answer["Predictions"] == " ".join(products(answer))
    assert len(products(answer)) == 7
    assert "unseen" not in answer


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("ind_actividad_cliente", ["0", 0, 0.0]),
        ("nomprov", ["BALEARS, ILLES", "BALEARs, ILLES", " balears,  illes", "Illes Balears"]),
        ("nomprov", ["LERIDA", "Lleida", "Lérida"]),
        ("segmento", ["01 - TOP", "01 - Top "]),
    ],
)
def test_spellings_of_a_source_mean_one_value(handle, rest_event, field, values):
    customer = {"age": 41, "renta": 98500.5, "antiguedad": 34}

    answers = [
        handle(rest_event("POST", "/predict", None, {**customer, field: value}))[1]
        for value in values
    ]

    assert all(a["recommendations"] == answers[0]["recommendations"] for a in answers)


def test_a_country_that_the_model_does_not_know_is_named(handle, rest_event):
    status, answer = handle(rest_event("POST", "/predict", None, {"pais_residencia": "EG"}))

    assert (status, answer["unseen"]) == (200, ["pais_residencia"])


def test_aliases_are_taken_and_held_products_left_out(handle, load_event):
    event = load_event("predict-product-recommendation-held")
    body = json.loads(event["body"])
    named = {**body, "antiguedad": body.pop("antigüedad"), "nomprov": body.pop("nomprav")}
    named = {key: value for key, value in named.items() if key not in ("antigüedad", "nomprav")}

    status, answer = handle(event)
    _, same = handle({**event, "body": json.dumps(named)})
    _, all_of_them = handle({**event, "body": json.dumps({**named, "held": []})})

    assert status == 200
    assert answer["recommendations"] == same["recommendations"]
    assert "ind_cco_fin_ult1" not in products(answer)
    assert len(products(answer)) == 7
    kept = [p for p in products(all_of_them) if p not in named["held"]]
    assert products(answer)[: len(kept)] == kept


def test_all_bad_fields_are_named_at_once_and_no_value(handle, load_event):
    status, answer = handle(load_event("predict-product-recommendation-bad-fields"))

    assert (status, answer["error"]["code"]) == (422, "invalid_application")
    fields = [f["field"] for f in answer["error"]["fields"]]
    assert sorted(fields) == ["age", "held", "nomprov", "sexo", "shoe_size"]
    for value in ("-7", 'MADRID"', "castle", "44"):
        assert value not in json.dumps(answer)


def test_path_bank_batch_and_direct_invocation_give_the_same(handle, load_event, rest_event):
    event = load_event("predict-product-recommendation")
    customer = json.loads(event["body"])
    _, single = handle(event)

    _, by_bank = handle(rest_event("POST", "/predict", None, {**customer, "bank": "south-bank"}))
    _, by_default = handle(rest_event("POST", "/predict", None, customer))
    _, direct = handle({"model": MODEL, "application": customer})
    _, batch = handle(
        rest_event(
            "POST",
            "/models/{model}/predict/batch",
            {"model": MODEL},
            {"applications": [customer, {**customer, "held": 1}, customer]},
        )
    )

    expected = single["recommendations"]
    for answer in (by_bank, by_default, direct, batch["results"][0], batch["results"][2]):
        assert answer["recommendations"] == expected
    assert [f["field"] for f in batch["results"][1]["error"]["fields"]] == ["held"]


def test_an_empty_profile_is_that_of_a_customer_of_whom_nothing_is_known(handle, rest_event):
    status, answer = handle(rest_event("POST", "/models/{model}/predict", {"model": MODEL}, {}))

    assert (status, len(products(answer))) == (200, 7)


def test_who_holds_nearly_all_is_recommended_the_rest(handle, rest_event):
    held = list(OWNERSHIP)[:-2]
    body = {"held": held}

    _, answer = handle(rest_event("POST", "/models/{model}/predict", {"model": MODEL}, body))

    assert set(products(answer)) == set(OWNERSHIP) - set(held)


def test_there_is_no_what_if(handle, load_event, rest_event):
    customer = json.loads(load_event("predict-product-recommendation")["body"])
    body = {"application": customer, "target": "approve"}

    status, answer = handle(rest_event("POST", "/models/{model}/what-if", {"model": MODEL}, body))

    assert (status, answer["error"]["code"]) == (422, "invalid_request")
    assert "no decision" in answer["error"]["message"]


def test_invented_customers_are_better_known_by_their_profile_than_by_popularity(invented):
    manifest = json.loads(invented.files["manifest.json"])

    assert manifest["metrics"]["map_at_7_gain"]["low"] > 0
    assert manifest["dataset"]["exclusions"] == {}
    assert manifest["dataset"]["no_amount"]["renta"].keys() == {"missing", "unknown"}
    assert manifest["dataset"]["no_amount"]["antiguedad"]["unknown"] > 0
    assert b"<strong>Synthetic data</strong>" in invented.files["report.html"]


def test_the_real_customers(definition, data_dir):
    path = str(data_dir / "santander")
    dataset = load_dataset(definition, path)

    bundle = train(definition, path)

    manifest = json.loads(bundle.files["manifest.json"])
    assert dataset.rows_read == 9_999
    assert dataset.exclusions == {"ind_nomina_ult1: the label is missing": 11}
    assert dataset.no_amount["renta"] == {"missing": 1888}
    metrics = manifest["metrics"]
    assert bundle.score == pytest.approx(0.956, abs=0.002)
    assert metrics["map_at_7_popularity"]["value"] == pytest.approx(0.947, abs=0.002)
    assert metrics["map_at_7_gain"]["low"] > 0.005
    assert manifest["parity"]["online"] < 1e-5
    assert len(bundle.files["model.onnx"]) < 1_000_000
