"""A new champion is compared with its shadow, and its answers never change."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from functions.predict import routes as app
from scoreline.core.errors import OnnxRuntimeError, RegistryUnavailableError
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef, Watch, digest
from scoreline.scoring.model import ScoringModel
from scoreline.scoring.online import Applicant
from scoreline.serving.watch import FLUSH_S, RETRY_AFTER_S, ChampionWatch
from tests.sample import APPLICATION, bundle

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

PATH = "/models/{model}/predict"
REFUSED = {**APPLICATION, "shoe_size": 44}
NOW = datetime(2026, 11, 21, 1, tzinfo=UTC).timestamp()


def old():
    return bundle()


def new():
    return bundle(seed=2)


def looked_up():
    return bundle(history=True)


def ref(made):
    return VersionRef(made.version, digest(made.files[MODEL_FILE]))


def watch_of(shadow, until=None):
    until = until or datetime.now(UTC) + timedelta(hours=1)
    return Watch(2, until.isoformat(), ref(shadow))


def model(made):
    return ScoringModel.from_onnx(made.files[MODEL_FILE])


def score(made, application):
    loaded = model(made)
    return loaded.answer([(application, loaded.encoder.encode(application))])[0]["score"]


@pytest.fixture(autouse=True)
def published(registry, endpoint):
    for made in (old(), new(), looked_up()):
        registry.publish("sample", made.version, made.files)


@pytest.fixture
def serve(registry):
    """Let a version serve, compared with a shadow."""

    def serve(made, shadow=None, **options):
        watch = watch_of(shadow, **options) if shadow else None
        registry.write_pointer("sample", Pointer(ref(made), None, watch))
        app.champions().forget_pointers()

    return serve


@pytest.fixture
def call(rest_event, lambda_context):
    def call(body, path=PATH):
        event = rest_event("POST", path, {"model": "sample"}, body)
        response = app.lambda_handler(event, lambda_context)
        return response["statusCode"], json.loads(response["body"])

    return call


@pytest.fixture
def counts(settings):
    """What has been counted, as whole numbers."""

    def counts():
        table = boto3.resource("dynamodb").Table(settings.watches_table)
        item = table.get_item(Key={"model": "sample", "entry": "000000000002"}).get("Item", {})
        return {name: int(n) for name, n in item.items() if name not in ("model", "entry")}

    return counts


def without_time(answer):
    return {key: value for key, value in answer.items() if key != "processing_time_ms"}


@pytest.mark.parametrize("is_warm", [True, False])
def test_the_champion_answers_and_its_shadow_is_counted(serve, call, counts, is_warm, settings):
    body = {"id": "a", **APPLICATION}
    serve(new())
    _, plain = call(body)
    serve(old())
    if is_warm:
        call(body)
        key = f"models/sample/{old().version}/{MODEL_FILE}"
        boto3.client("s3").delete_object(Bucket=settings.bucket, Key=key)

    serve(new(), shadow=old())
    _, answer = call(body)

    difference = score(new(), APPLICATION) - score(old(), APPLICATION)
    assert without_time(answer) == without_time(plain)
    found = counts()
    assert sum(n for name, n in found.items() if name.startswith("champion ")) == 1
    assert sum(n for name, n in found.items() if name.startswith("shadow ")) == 1
    assert difference != 0
    assert {name: n for name, n in found.items() if " " not in name} == {
        "decisions": 1,
        "compared": 1,
        "difference": difference,
        "squared_difference": difference**2,
    }


def test_every_application_of_a_batch_counts(serve, call, counts):
    serve(new(), shadow=old())

    _, answer = call({"applications": [APPLICATION, REFUSED, "none", APPLICATION]}, PATH + "/batch")

    assert ["error" in result for result in answer["results"]] == [False, True, True, False]
    assert (counts()["decisions"], counts()["compared"]) == (2, 2)
    assert "errors" not in counts(), "the shadow refuses them too"


def test_direct_invocations_count_too(serve, counts, lambda_context):
    serve(new(), shadow=old())

    app.lambda_handler({"model": "sample", "application": APPLICATION}, lambda_context)

    assert counts()["decisions"] == 1


def test_an_application_that_only_the_champion_refuses_counts_as_its_error(serve, call, counts):
    serve(looked_up(), shadow=old())

    status, _ = call(APPLICATION)

    assert status == 422
    assert counts() == {"errors": 1}


def test_an_application_that_both_refuse_is_an_error_of_the_client(serve, call, counts):
    serve(new(), shadow=old())

    assert call(REFUSED)[0] == 422
    assert call({"applications": "none"}, PATH + "/batch")[0] == 422
    assert counts() == {}


def test_customers_are_looked_up_for_the_shadow_as_well(serve, call, counts, registry, settings):
    serve(looked_up(), shadow=bundle(seed=2, history=True))
    other = bundle(seed=2, history=True)
    registry.publish("sample", other.version, other.files)
    known = {"enquiries": 9, "region": "west"}
    boto3.resource("dynamodb").Table(settings.features_table).put_item(
        Item={
            "customer": "7",
            "pipeline": "sample",
            "features": json.dumps(known),
            "as_of": "2026-11-21T00:00:00+00:00",
        }
    )
    sent = {name: value for name, value in APPLICATION.items() if name not in known}

    _, answer = call({"customer_id": 7, "application": sent})

    loaded = model(other)
    [other_answer] = loaded.answer([(sent, loaded.encoder.encode(sent, known))])
    assert counts()["difference"] == answer["score"] - other_answer["score"]


def test_after_the_watch_nothing_is_counted(serve, call, counts):
    serve(new(), shadow=old(), until=datetime.now(UTC) - timedelta(seconds=1))

    assert call(APPLICATION)[0] == 200
    assert counts() == {}


def test_a_shadow_that_does_not_load_leaves_the_answers_and_their_number(
    serve, call, counts, settings, log
):
    key = f"models/sample/{old().version}/{MODEL_FILE}"
    boto3.client("s3").delete_object(Bucket=settings.bucket, Key=key)
    serve(new(), shadow=old())

    assert call(APPLICATION)[0] == 200
    assert counts() == {"decisions": 1}
    assert "watch without shadow" in [line["message"] for line in log()]


def test_a_table_that_does_not_answer_fails_no_request(serve, call, settings, log):
    boto3.client("dynamodb").delete_table(TableName=settings.watches_table)
    serve(new(), shadow=old())

    assert [call(APPLICATION)[0] for _ in range(3)] == [200] * 3
    kept = [line for line in log() if "retry scheduled" in line["message"]]
    assert len(kept) == 1, "and is left in peace for a while"


def test_without_a_watch_its_module_is_not_loaded(serve):
    code = (
        "import sys; from functions.predict import routes; routes.champions().get('sample');"
        "print('scoreline.serving.watch' in sys.modules)"
    )
    serve(new())

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


class Table:
    """Stands for DynamoDB: takes counts, or does not."""

    def __init__(self):
        self.now, self.works, self.added = NOW, True, []

    def clock(self):
        return self.now

    def add(self, _key, amounts):
        if not self.works:
            raise RegistryUnavailableError("DynamoDB: TimeoutError")
        self.added.append(dict(amounts))


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def watching(table):
    def read_applicant(loaded, application):
        return Applicant(application, loaded.encoder.encode(application))

    def watching(champion=None, *, shadowed=True):
        shadow = old() if shadowed else None
        watch = watch_of(old(), datetime.fromtimestamp(NOW + 60, UTC))
        loaded = model(shadow) if shadow else None
        options = {"read_applicant": read_applicant, "add": table.add, "clock": table.clock}
        return ChampionWatch(watch, model(champion or new()), loaded, **options)

    return watching


def fail():
    raise OnnxRuntimeError("broke")


def test_counts_are_written_about_once_a_second(watching, table):
    watched = watching()
    for _ in range(10):
        watched.observe(lambda: {"score": 550}, APPLICATION)
    table.now += FLUSH_S
    watched.observe(lambda: {"score": 550}, APPLICATION)

    assert [added["decisions"] for added in table.added] == [1, 10]


def test_counts_that_were_not_written_are_kept_and_written_later(watching, table):
    watched = watching()
    table.works = False
    watched.observe(lambda: {"score": 550}, APPLICATION)
    table.works = True
    watched.observe(lambda: {"score": 550}, APPLICATION)
    assert table.added == []

    table.now += RETRY_AFTER_S
    watched.observe(lambda: {"score": 550}, APPLICATION)

    assert [added["decisions"] for added in table.added] == [3]


def test_counts_of_the_window_are_written_after_it(watching, table):
    watched = watching()
    watched.observe(lambda: {"score": 550}, APPLICATION)
    watched.observe(lambda: {"score": 550}, APPLICATION)
    table.now += 61

    watched.observe(lambda: {"score": 550}, APPLICATION)
    watched.observe(lambda: {"score": 550}, APPLICATION)

    assert sum(added["decisions"] for added in table.added) == 2


@pytest.mark.parametrize("shadowed", [True, False])
def test_an_error_of_the_champion_is_raised_and_counted(watching, table, shadowed):
    with pytest.raises(OnnxRuntimeError, match="broke"):
        watching(shadowed=shadowed).observe(fail, APPLICATION)

    assert table.added == [{"errors": 1}]


def test_an_error_that_the_shadow_shares_is_not_counted(watching, table):
    with pytest.raises(OnnxRuntimeError):
        watching().observe(fail, REFUSED)

    assert table.added == []


def test_an_error_of_the_watch_is_logged_and_leaves_the_answer(watching, log):
    answer = {"no": "score"}

    assert watching().observe(lambda: answer, APPLICATION) is answer
    assert log()[-1]["error"] == "KeyError"
