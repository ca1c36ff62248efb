"""Concurrent promotions, over HTTP against one moto server."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from threading import Barrier, Thread
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from scoreline.aws.ledger import Ledger
from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import PromotionConflictError
from scoreline.core.versions import MODEL_FILE, digest
from scoreline.governance.entry import Entry
from scoreline.governance.promotion import Promotions
from scoreline.governance.watches import Watches
from tests.functional.admin.conftest import MODEL, onnx
from tests.support import create_resources

pytestmark = pytest.mark.slow

ROUNDS = 5


class Quiet(WSGIRequestHandler):
    def log_request(self, *args):
        pass


@pytest.fixture
def server(environment, monkeypatch):
    """One request at a time: moto's own transactions are not safe between threads."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    yield
    urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()
    server.shutdown()
    thread.join()
    server.server_close()


def versions(count):
    return [f"20261121T0045{n:02}Z-{n:08x}" for n in range(count)]


def publish(registry, version, **more):
    manifest = {"files": {MODEL_FILE: {"sha256": digest(onnx(version))}}, **more}
    registry.publish(MODEL, version, {"manifest.json": json.dumps(manifest).encode()})


def test_one_of_two_concurrent_promotions_wins_and_the_pointer_follows(server, settings):
    create_resources(settings)
    registries = [ModelRegistry.connect(settings), ModelRegistry.connect(settings)]
    ledgers = [Ledger.connect(settings, Entry), Ledger.connect(settings, Entry)]
    for version in versions(2 * ROUNDS):
        publish(registries[0], version)
    both_have_read_the_head = Barrier(2)

    def verify(model, version):
        both_have_read_the_head.wait(timeout=20)
        return digest(onnx(version))

    def promote(number, version):
        promotions = Promotions(registries[number], ledgers[number], verify)
        try:
            return promotions.promote(MODEL, version, who=f"user {number}", reason="race")
        except PromotionConflictError:
            return None

    for won in range(1, ROUNDS + 1):
        candidates = versions(2 * won)[-2:]
        with ThreadPoolExecutor(2) as pool:
            heads = list(pool.map(promote, range(2), candidates))

        [winner] = [head for head in heads if head is not None]
        history = ledgers[0].history(MODEL)
        assert len(history) == winner.sequence == won
        assert history[-1] == winner == ledgers[0].head(MODEL)
        assert registries[0].pointer(MODEL).champion == winner.champion


def test_concurrent_watches_and_promotions_leave_the_pointer_at_the_ledgers_head(server, settings):
    create_resources(settings)
    candidates = versions(8)
    limits = {"minutes": 60, "max_error_rate": 0.02, "max_score_drift": 0.25, "min_decisions": 1}
    for version in candidates:
        publish(ModelRegistry.connect(settings), version, watch=limits)
    table = boto3.resource("dynamodb").Table(settings.watches_table)
    for entry in range(1, 50):  # every champion breaks a limit
        table.put_item(Item={"model": MODEL, "entry": f"{entry:012d}", "errors": 100})

    def connect():
        registry, ledger = (
            ModelRegistry.connect(settings),
            Ledger.connect(settings, Entry),
        )
        return Promotions(registry, ledger, lambda _, version: digest(onnx(version)))

    def promote_all(promotions):
        for version in candidates:
            while not promoted(promotions, version):
                pass  # a rollback came first

    def promoted(promotions, version):
        with suppress(PromotionConflictError):
            return promotions.promote(MODEL, version, who="u", reason="race")

    def look(promotions):
        watches = Watches.connect(promotions)
        for _ in range(10):
            watches.check()

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(promote_all, connect()), *(pool.submit(look, connect()) for _ in "ab")]
        [job.result() for job in work]

    promotions = connect()
    look(promotions)
    head, pointer = promotions.ledger.head(MODEL), promotions.registry.pointer(MODEL)
    actions = [entry.action for entry in promotions.ledger.history(MODEL)]
    assert actions.count("promote") == 8
    assert actions.count("rollback") > 0
    assert (pointer.champion, pointer.watch) == (head.champion, None)


def test_promotions_of_any_speed_leave_the_pointer_at_the_ledgers_head(server, settings):
    create_resources(settings)
    candidates = versions(8)
    for version in candidates:
        publish(ModelRegistry.connect(settings), version)
    clients = [(ModelRegistry.connect(settings), Ledger.connect(settings, Entry)) for _ in range(4)]

    def promote_all(number):
        registry, ledger = clients[number]
        promotions = Promotions(registry, ledger, lambda _, version: digest(onnx(version)))
        wins = 0
        for version in candidates[number:] + candidates[:number]:
            with suppress(PromotionConflictError):
                wins += promotions.promote(MODEL, version, who="u", reason="race") is not None
        return wins

    with ThreadPoolExecutor(4) as pool:
        wins = sum(pool.map(promote_all, range(4)))

    registry, ledger = clients[0]
    history = ledger.history(MODEL)
    assert wins >= 8  # every conflict means that another of the four has won
    assert [entry.sequence for entry in history] == list(range(1, len(history) + 1))
    assert all(a.champion.version == b.previous for a, b in pairwise(history))
    assert registry.pointer(MODEL).champion == ledger.head(MODEL).champion
