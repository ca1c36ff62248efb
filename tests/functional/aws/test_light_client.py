"""The light client against moto over HTTP, and against servers that misbehave."""

import json
import re
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import botocore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoreline.aws.light import connection
from scoreline.aws.light.client import LightClient
from scoreline.aws.light.connection import AMAZON_ROOTS, tls_context
from scoreline.aws.light.credentials import from_environment
from scoreline.aws.light.sigv4 import Credentials
from scoreline.core.errors import RegistryUnavailableError


@pytest.fixture
def client(registry, endpoint):
    return LightClient.connect()


def test_a_parameter(client, settings):
    assert json.loads(client.get_parameter(settings.routing_parameter))["default"] == "loan-risk"
    assert client.get_parameter("/no/such/parameter") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    key=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
        lambda key: not key.startswith("/") and not {".", ".."} & set(key.split("/"))
    )
)
def test_an_object_of_any_key(client, registry, key):
    bucket = registry.settings.bucket
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=key.encode())

    assert client.get_object(bucket, key) == key.encode()


def test_an_object_that_does_not_exist(client, registry):
    assert client.get_object(registry.settings.bucket, "models/none") is None
    with pytest.raises(RegistryUnavailableError, match="S3 answered NoSuchBucket"):
        client.get_object("no-such-bucket", "models/none")


def test_numbers_are_added_to_an_item_and_start_at_zero(client, registry):
    table, key = registry.settings.watches_table, {"model": "m", "entry": "1"}

    client.add(table, key, {"decisions": 2, "champion -3": 1})
    client.add(table, key, {"decisions": 3, "difference": -7})

    found = {**key, "decisions": 5, "champion -3": 1, "difference": -7}
    assert client.get_item(table, key) == found


def test_adding_to_an_unknown_table_is_an_error(client):
    with pytest.raises(RegistryUnavailableError, match="DynamoDB answered ResourceNotFound"):
        client.add("no-such-table", {"model": "m", "entry": "1"}, {"decisions": 1})


def test_an_item_with_values_of_every_type(client, registry):
    table = registry.settings.jobs_table
    item = {
        "job": "7",
        "amount": Decimal("-12.5"),
        "count": 3,
        "huge": Decimal("1E+30"),
        "active": True,
        "nothing": None,
        "list": ["a", 1, {"b": False}],
        "numbers": {1, Decimal("0.5")},
    }
    boto3.resource("dynamodb").Table(table).put_item(Item=item)

    found = client.get_item(table, {"job": "7"})

    assert sorted(found.pop("numbers")) == [0.5, 1]
    assert found == {
        "job": "7",
        "amount": -12.5,
        "count": 3,
        "huge": 1e30,
        "active": True,
        "nothing": None,
        "list": ["a", 1, {"b": False}],
    }
    assert isinstance(found["count"], int)
    assert client.get_item(table, {"job": "8"}) == {}
    with pytest.raises(RegistryUnavailableError, match="DynamoDB answered ResourceNotFound"):
        client.get_item("no-such-table", {"job": "7"})


class Server:
    """Answers by a script: (status, body), seconds to wait, raw bytes, or None to hang up."""

    def __init__(self, *script, context=None):
        self.script, self.seen, self.connections = list(script), [], 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                outer.connections += 1
                super().setup()

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append((self.path, dict(self.headers), body))
                step = outer.script.pop(0)
                if isinstance(step, float):
                    time.sleep(step)
                if isinstance(step, bytes):
                    self.wfile.write(step)
                if not isinstance(step, tuple):
                    self.close_connection = True
                    return
                status, content = step
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self._server.server_port}"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.server_close()

    def client(self, scheme="http", **options):
        key = Credentials("key", "secret")
        return LightClient("us-east-1", lambda: key, f"{scheme}://{self.address}", **options)


FOUND = (200, json.dumps({"Parameter": {"Value": "x"}}).encode())
THROTTLED = (400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}')
PASSING = [
    pytest.param((500, b""), id="500"),
    pytest.param((503, b'{"__type":"ServiceUnavailable"}'), id="503"),
    pytest.param(THROTTLED, id="throttled"),
    pytest.param(None, id="hung up"),
]


@pytest.mark.parametrize("passing", PASSING)
def test_a_transient_error_is_retried_once(passing):
    with Server(passing, FOUND) as server:
        assert server.client().get_parameter("/a") == "x"
        assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ((500, b""), "SSM answered status 500"),
        (THROTTLED, "SSM answered ThrottlingException"),
        (None, "SSM: ConnectionAbortedError"),
    ],
)
def test_a_lasting_error_is_reported_after_two_attempts(error, message):
    with Server(error, error) as server:
        with pytest.raises(RegistryUnavailableError, match=message):
            server.client().get_parameter("/a")
        assert len(server.seen) == 2


def test_an_error_of_the_caller_is_not_retried():
    denied = b'{"__type":"com.amazonaws.ssm#AccessDeniedException","Message":"no"}'
    with Server((400, denied)) as server:
        with pytest.raises(RegistryUnavailableError, match="SSM answered AccessDeniedException"):
            server.client().get_parameter("/a")
        assert len(server.seen) == 1


def test_an_error_of_s3_has_its_code_in_xml():
    slow_down = b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    with (
        Server((503, slow_down), (403, denied)) as server,
        pytest.raises(RegistryUnavailableError, match="S3 answered AccessDenied"),
    ):
        server.client().get_object("bucket", "key")


PARAMETER = FOUND[1]
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
FORMS = {
    "until it hangs up": HEAD + b"\r\n" + PARAMETER,
    "chunked": CHUNKED
    + b"5;x=y\r\n%b\r\n%X\r\n%b\r\n0\r\n\r\n" % (PARAMETER[:5], len(PARAMETER) - 5, PARAMETER[5:]),
    "with trailers": CHUNKED
    + b"%x\r\n%b\r\n0\r\nExpires: never\r\n\r\n" % (len(PARAMETER), PARAMETER),
    "and closes": HEAD
    + b"CONTENT-LENGTH: %d\r\nConnection: Close\r\n\r\n" % len(PARAMETER)
    + PARAMETER,
}
BROKEN = {
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "an older one": b"HTTP/1.0 200 OK\r\n\r\n",
    "cut off in a header": HEAD + b"Content-Le",
    "cut off in the body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "cut off in a chunk": CHUNKED + b"1000\r\n{",
    "a chunk of no size": CHUNKED + b"x\r\n{",
    "a length of no size": HEAD + b"Content-Length: x\r\n\r\n{",
    "endless headers": HEAD + b"a" * 100_000,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_answer_is_read_is_read(form):
    with Server(FORMS[form], FOUND) as server:
        client = server.client()
        assert client.get_parameter("/a") == "x"
        assert client.get_parameter("/a") == "x"


@pytest.mark.parametrize("form", BROKEN)
def test_a_request_with_a_broken_answer_is_retried(form):
    with Server(BROKEN[form], FOUND) as server:
        assert server.client().get_parameter("/a") == "x"
    with Server(*[BROKEN[form]] * 2) as server, pytest.raises(RegistryUnavailableError):
        server.client().get_parameter("/a")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_an_answer_that_is_not_json_is_an_error(body):
    with (
        Server((200, body)) as server,
        pytest.raises(RegistryUnavailableError, match="SSM answered no JSON"),
    ):
        server.client().get_parameter("/a")


def test_a_server_that_does_not_answer_is_an_error():
    with Server(0.3, 0.3) as server:
        started = time.monotonic()
        with pytest.raises(RegistryUnavailableError, match="SSM: TimeoutError"):
            server.client(timeout_s=0.05).get_parameter("/a")
        assert time.monotonic() - started < 0.3


def test_timeouts_equal_those_of_the_boto3_clients():
    from scoreline.aws.clients import CLIENT_CONFIG

    assert CLIENT_CONFIG.connect_timeout == connection.CONNECT_TIMEOUT_S
    assert CLIENT_CONFIG.read_timeout == connection.READ_TIMEOUT_S


def test_a_refused_connection_is_an_error():
    client = LightClient("us-east-1", lambda: Credentials("key", "secret"), "http://127.0.0.1:9")

    with pytest.raises(RegistryUnavailableError, match="S3: ConnectionRefusedError"):
        client.get_object("bucket", "key")


def test_a_connection_stays_open_until_it_is_forgotten():
    with Server(FOUND, FOUND, FOUND) as server:
        client = server.client()
        client.get_parameter("/a")
        client.get_parameter("/a")
        assert server.connections == 1

        client.forget_connections()

        assert client.get_parameter("/a") == "x"
        assert server.connections == 2


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://bucket.s3.eu-west-1.amazonaws.com"),
        ("cn-north-1", "https://bucket.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_urls_of_a_region(region, url):
    assert LightClient(region, lambda: Credentials("key", "secret"))._url("bucket.s3") == url


# Credentials


def test_credentials_from_the_environment():
    given = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    assert from_environment(given)() == Credentials("key", "secret")
    assert from_environment({**given, "AWS_SESSION_TOKEN": "token"})().token == "token"
    with pytest.raises(RegistryUnavailableError, match="no AWS credentials"):
        from_environment({})


def lent(key, minutes):
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    content = {"AccessKeyId": key, "SecretAccessKey": "secret", "Token": "token"}
    return 200, json.dumps({**content, "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}).encode()


def test_credentials_of_snapstart_are_fetched_again_before_they_expire():
    with Server(lent("first", 4), lent("second", 60)) as server:
        credentials = from_environment(
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{server.address}/lent",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "proof",
            }
        )

        keys = [credentials().access_key for _ in range(3)]

        assert keys == ["first", "second", "second"]
        assert credentials().token == "token"
        path, headers, _ = server.seen[0]
        assert (path, headers["Authorization"]) == ("/lent", "proof")


@pytest.mark.parametrize("answer", [(500, b""), (200, b"{}"), (200, b"[]"), None])
def test_credentials_that_cannot_be_fetched_are_an_error(answer):
    with Server(answer) as server:
        url = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{server.address}/lent"}
        with pytest.raises(RegistryUnavailableError, match="AWS credentials"):
            from_environment(url)()


# TLS


def certificates(pem):
    return set(re.findall("-----BEGIN.*?-----END", pem, re.DOTALL))


def test_boto3_trusts_the_five_roots_too():
    theirs = Path(botocore.__file__).with_name("cacert.pem").read_text()
    ours = certificates(AMAZON_ROOTS.read_text())

    assert len(ours) == 5
    assert ours <= certificates(theirs)


def test_a_connection_checks_name_and_certificate():
    for roots in (AMAZON_ROOTS, None):
        context = tls_context(roots)
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return certificate, context


@pytest.fixture
def fresh_trust():
    tls_context.cache_clear()


@pytest.mark.usefixtures("fresh_trust")
def test_a_certificate_of_an_unknown_root_is_refused(authority):
    _, context = authority
    with (
        Server(FOUND, FOUND, context=context) as server,
        pytest.raises(RegistryUnavailableError, match="SSM: SSLCertVerificationError"),
    ):
        server.client("https").get_parameter("/a")
    assert not server.seen


@pytest.mark.usefixtures("fresh_trust")
def test_other_certificates_are_checked_against_the_roots_of_the_machine(authority, monkeypatch):
    certificate, context = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with Server(FOUND, FOUND, context=context) as server:
        client = server.client("https")
        assert client.get_parameter("/a") == "x"
        assert client.get_parameter("/a") == "x"
