"""The jobs that a message of the training queue asks for: by `POST /train`, or for new data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from scoreline.api.operations_requests import JOB_MESSAGE
from scoreline.core.datasets import UPLOAD_PREFIX, s3_uri
from scoreline.core.errors import MalformedRequestError
from scoreline.core.json_text import read_json
from scoreline.core.versions import MODEL_PATTERN
from scoreline.jobs.jobs import TrainingRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

READY_RULE = "the manifest's key must be datasets/MODEL/_READY.json, or lie in a folder below MODEL"
_READY_KEY = re.compile(rf"datasets/(?P<model>{MODEL_PATTERN.pattern})/(.+/)?_READY\.json")
_NO_MODEL = "-"
# S3's sequencers have 16 to 18 digits; to compare two, the shorter is padded with zeros.
_SEQUENCER_WIDTH = 64


@dataclass(frozen=True, slots=True)
class RequestedJob:
    """A job that a message asks for.

    Attributes
    ----------
    manifest, sequencer : URI of the manifest that announces new data, and the place of its event
        in S3's order
    problem : why the job cannot start
    """

    id: str
    request: TrainingRequest
    manifest: str = ""
    sequencer: str = ""
    problem: str = ""


def malformed_job(message: str, problem: str) -> RequestedJob:
    """The failed job of a message that asks for none; its id is the message's in hex."""
    return RequestedJob(message.replace("-", ""), TrainingRequest(_NO_MODEL, ""), problem=problem)


def requested_jobs(body: str) -> list[RequestedJob]:
    """The jobs of an SQS message's body; none for the test event that S3 sends at setup.

    Raises
    ------
    MalformedRequestError
        The body is not a message that asks for training.
    """
    try:
        message = read_json(body)
        if JOB_MESSAGE.takes(message):
            return [_submitted(message)]
        if message.get("detail-type") == "Object Created":
            return [_announced(message["detail"])]
        if message.get("Event") == "s3:TestEvent":
            return []
        return [_notified(record) for record in message["Records"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedRequestError("not a message that asks for training") from error


def _submitted(message: Mapping[str, Any]) -> RequestedJob:
    asked = {name: value for name, value in message.items() if name != "job"}
    return RequestedJob(message["job"], TrainingRequest(**asked))


def _announced(detail: Mapping[str, Any]) -> RequestedJob:
    """An `Object Created` event of EventBridge."""
    s3_object = detail["object"]
    return _ready(
        detail["bucket"]["name"],
        s3_object["key"],
        version=s3_object.get("version-id"),
        etag=s3_object.get("etag"),
        sequencer=s3_object.get("sequencer"),
        requester=detail.get("requester"),
    )


def _notified(record: Mapping[str, Any]) -> RequestedJob:
    """An S3 event notification, whose keys are URL-encoded."""
    s3 = record["s3"]
    s3_object = s3["object"]
    return _ready(
        s3["bucket"]["name"],
        unquote_plus(s3_object["key"]),
        version=s3_object.get("versionId"),
        etag=s3_object.get("eTag"),
        sequencer=s3_object.get("sequencer"),
        requester=record.get("userIdentity", {}).get("principalId"),
    )


def _ready(
    bucket: str,
    key: str,
    *,
    version: str | None,
    etag: str | None,
    sequencer: str | None,
    requester: str | None,
) -> RequestedJob:
    """The job of one version of a manifest; its id does not depend on the kind of event."""
    named = _READY_KEY.fullmatch(key)
    # Buckets without versions send no id, or "null".
    known = "" if version in {None, "", "null"} else str(version)
    request = TrainingRequest(
        named["model"] if named else _NO_MODEL,
        s3_uri(bucket, key, known),
        f"{UPLOAD_PREFIX}{requester or 'nobody known'}",
    )
    return RequestedJob(
        request.job_id(known or f"{etag} {sequencer}"),
        request,
        manifest=s3_uri(bucket, key) if sequencer else "",
        sequencer=(sequencer or "").upper().ljust(_SEQUENCER_WIDTH, "0"),
        problem="" if named else READY_RULE,
    )
