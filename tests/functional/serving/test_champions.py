"""Cached pointers and models, and the last good champion through outages."""

from dataclasses import replace

import boto3
import pytest

from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import (
    ModelNotFoundError,
    PointerInvalidError,
    RegistryUnavailableError,
)
from scoreline.core.settings import Settings
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef, bundle_key, digest
from scoreline.serving.champions import MAX_ABSENT, RETRY_S, ChampionCache
from tests.sample import bundle, publish

LATER = 1000.0


def old():
    return bundle()


def new():
    return bundle(seed=2)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Outage:
    """The registry with services that can be switched off."""

    def __init__(self, registry):
        self._registry, self.down = registry, set()

    def __getattr__(self, name):
        service = "s3" if name == "read" else "ssm"
        if service in self.down and name in ("pointer", "routing", "read"):
            raise RegistryUnavailableError(f"{service} is down")
        return getattr(self._registry, name)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source(registry):
    return Outage(registry)


@pytest.fixture
def champions(source, clock):
    publish(source, old())
    return ChampionCache(source, clock)


def serving(champions):
    return champions.get("sample").model.version


def problem(champions):
    return champions.loaded()["sample"].problem


def test_a_promotion_is_seen_when_the_pointer_is_old_and_not_before(champions, source, clock):
    assert serving(champions) == old().version
    publish(source, new())

    clock.now = 40.0  # 60 s less 20 % jitter is the earliest
    assert serving(champions) == old().version
    clock.now = 73.0
    assert serving(champions) == new().version


def test_the_model_is_not_read_again_while_the_pointer_stays(champions, source, clock):
    model = champions.get("sample").model
    source.down = {"s3"}
    clock.now = LATER

    assert champions.get("sample").model is model
    assert problem(champions) is None


def test_the_last_good_one_serves_while_ssm_is_down(champions, source, clock):
    serving(champions)
    source.down, clock.now = {"ssm"}, LATER

    assert serving(champions) == old().version
    assert problem(champions) == "ssm is down"

    source.down, clock.now = set(), 2 * LATER
    serving(champions)
    assert problem(champions) is None


def test_the_last_good_one_serves_while_s3_is_down(champions, source, clock):
    serving(champions)
    publish(source, new())
    source.down, clock.now = {"s3"}, LATER

    assert serving(champions) == old().version
    assert problem(champions) == "s3 is down"

    source.down, clock.now = set(), 2 * LATER
    assert serving(champions) == new().version


def broken_pointers(settings):
    """Pointers that must not serve: a wrong digest, bytes that do not load, a lost version."""
    good = Pointer(VersionRef(new().version, digest(new().files[MODEL_FILE])))
    garbage = b"no model"
    boto3.client("s3").put_object(
        Bucket=settings.bucket,
        Key=bundle_key("sample", "20260101T000000Z-deadbeef", MODEL_FILE),
        Body=garbage,
    )
    return {
        "digest": replace(good, champion=replace(good.champion, sha256="0" * 64)),
        "garbage": Pointer(VersionRef("20260101T000000Z-deadbeef", digest(garbage))),
        "lost": replace(good, champion=replace(good.champion, version="20260101T000000Z-00000000")),
    }


@pytest.mark.parametrize("kind", ["digest", "garbage", "lost"])
def test_a_broken_version_never_serves(champions, source, clock, settings, kind):
    serving(champions)
    publish(source, new(), promote=False)
    source.write_pointer("sample", broken_pointers(settings)[kind])
    clock.now = LATER

    assert serving(champions) == old().version
    assert problem(champions)
    with pytest.raises(RegistryUnavailableError):
        ChampionCache(source, clock).get("sample")


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"champion": {"version": "../x"}}'])
def test_an_invalid_pointer_changes_nothing(champions, source, clock, settings, text):
    serving(champions)
    boto3.client("ssm").put_parameter(
        Name=settings.pointer_parameter("sample"), Value=text, Overwrite=True
    )
    clock.now = LATER

    assert serving(champions) == old().version
    assert "pointer" in problem(champions)


def test_nothing_promoted_is_not_found(champions):
    for model in ("other", "no/such", ""):
        with pytest.raises(ModelNotFoundError):
            champions.get(model)


def test_an_unknown_model_is_asked_for_once_in_a_while(source, clock, monkeypatch):
    asked = []
    read = ModelRegistry.pointer
    monkeypatch.setattr(ModelRegistry, "pointer", lambda r, m: asked.append(m) or read(r, m))
    champions = ChampionCache(source, clock)

    for _ in range(3):
        with pytest.raises(ModelNotFoundError):
            champions.get("sample")
    publish(source, old())
    clock.now += RETRY_S

    assert serving(champions) == old().version
    assert asked == ["sample", "sample"]


def test_a_promotion_after_a_restore_is_seen_at_once(source, clock):
    champions = ChampionCache(source, clock)
    with pytest.raises(ModelNotFoundError):
        serving(champions)
    publish(source, old())

    champions.forget_pointers()

    assert serving(champions) == old().version


@pytest.mark.slow
def test_only_so_many_unknown_models_are_remembered(champions):
    for number in range(MAX_ABSENT + 10):
        with pytest.raises(ModelNotFoundError):
            champions.get(f"unknown-{number}")

    assert len(champions._absent) == MAX_ABSENT
    assert "unknown-9" not in champions._absent
    assert "unknown-10" in champions._absent


def test_routing_outlives_an_outage(champions, source, clock):
    assert champions.routing().default == "sample"
    source.down, clock.now = {"ssm"}, LATER

    assert champions.routing().model_for("north-bank") == "sample"
    assert champions.routing_problem == "ssm is down"

    source.down, clock.now = set(), 2 * LATER
    champions.routing()
    assert champions.routing_problem is None


INVALID_ROUTINGS = [
    "nonsense",
    "[]",
    '"sample"',
    '{"default": "sample"}',
    '{"default": 7, "banks": {}}',
    '{"default": null, "banks": {}}',
    '{"default": "sample", "banks": []}',
    '{"default": "sample", "banks": null}',
    '{"default": "sample", "banks": {"north-bank": 7}}',
    '{"default": "sample", "banks": {"north-bank": ["sample"]}}',
]


@pytest.mark.parametrize("text", INVALID_ROUTINGS)
def test_an_invalid_routing_changes_nothing(champions, clock, settings, source, text):
    champions.routing()
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=settings.routing_parameter, Value=text, Overwrite=True)
    clock.now = LATER

    assert champions.routing().model_for("north-bank") == "sample"
    assert champions.routing_problem == "the routing parameter is not a routing"
    with pytest.raises(PointerInvalidError):
        ChampionCache(source, clock).routing()


def test_a_deleted_routing_changes_nothing(champions, clock, settings):
    champions.routing()
    boto3.client("ssm").delete_parameter(Name=settings.routing_parameter)
    clock.now = LATER

    assert champions.routing().default == "sample"
    assert champions.routing_problem


def test_a_problem_is_reported_when_it_appears_and_when_it_changes(source, clock, settings):
    reported = []
    publish(source, old())
    champions = ChampionCache(source, clock, lambda *problem: reported.append(problem))

    def look():
        clock.now += LATER
        champions.routing()
        serving(champions)

    look()
    assert reported == []
    source.down = {"ssm"}
    look()
    look()
    assert reported == [(None, "ssm is down"), ("sample", "ssm is down")]
    source.down = set()
    source.write_pointer("sample", broken_pointers(settings)["lost"])
    look()
    source.write_pointer(
        "sample", Pointer(VersionRef(old().version, digest(old().files[MODEL_FILE])))
    )
    look()
    source.down = {"ssm"}
    look()
    assert [model for model, _ in reported[2:]] == ["sample", None, "sample"]
    assert reported[3:] == reported[:2]


def test_pointers_can_be_forgotten(champions, source):
    serving(champions)
    publish(source, new())

    champions.forget_pointers()

    assert serving(champions) == new().version


def test_an_endpoint_that_is_dead_is_unavailable(monkeypatch, environment):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    registry = ModelRegistry.connect(Settings("test", "bucket"))

    with pytest.raises(RegistryUnavailableError, match="SSM"):
        registry.pointer("sample")
