"""Signatures compared with those of botocore."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from scoreline.aws.light.sigv4 import Credentials, HttpRequest, signed_headers

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
TOKENS = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
HEADERS = st.dictionaries(
    st.from_regex(r"x-amz-[a-z]{1,8}", fullmatch=True).filter(lambda name: name != "x-amz-date"),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    max_size=4,
)
TIMES = st.datetimes(datetime(2015, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


def of_botocore(request, credentials, service, region, at):
    """The headers that botocore's own signer sends."""
    signer = (auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth)(
        BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token),
        service,
        region,
    )
    url = f"https://{request.host}{request.path}"
    theirs = AWSRequest(request.method, url, headers=dict(request.headers), data=request.body)
    if service != "s3":  # allowed for all services; botocore sends it to S3 alone
        theirs.headers["X-Amz-Content-SHA256"] = signer.payload(theirs)
    theirs.context["timestamp"] = f"{at:%Y%m%dT%H%M%SZ}"
    signer._modify_request_before_signing(theirs)
    signature = signer.signature(
        signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs
    )
    signer._inject_signature_to_request(theirs, signature)
    return {name.lower(): value for name, value in theirs.headers.items()}


@given(
    key=KEYS,
    service=st.sampled_from(["s3", "ssm", "dynamodb"]),
    headers=HEADERS,
    body=st.binary(max_size=200),
    token=TOKENS,
    secret=st.text(min_size=1, max_size=40),
    at=TIMES,
)
def test_a_signature_equals_botocores(key, service, headers, body, token, secret, at):
    path = "/" + quote(key, safe="/~") if service == "s3" else "/"
    method = "GET" if service == "s3" else "POST"
    request = HttpRequest(method, f"{service}.eu-west-1.amazonaws.com", path, headers, body)
    credentials = Credentials("AKIDEXAMPLE", secret, token)

    ours = signed_headers(request, credentials, service=service, region="eu-west-1", at=at)

    theirs = of_botocore(request, credentials, service, "eu-west-1", at)
    assert ours["authorization"] == theirs["authorization"]
    for name in ("x-amz-date", "x-amz-content-sha256"):
        assert ours[name] == theirs[name]
    assert ours.get("x-amz-security-token") == token


def test_the_example_of_the_documentation():
    """GET Object of "Authenticating Requests: Using the Authorization Header", Amazon S3 API."""
    request = HttpRequest(
        "GET", "examplebucket.s3.amazonaws.com", "/test.txt", {"Range": "bytes=0-9"}
    )
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    headers = signed_headers(
        request, credentials, service="s3", region="us-east-1", at=datetime(2013, 5, 24, tzinfo=UTC)
    )

    signature = re.search("Signature=(.*)", headers["authorization"])[1]
    assert signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
