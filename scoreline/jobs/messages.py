"""What a message of the training queue asks for: a job of `POST /train`, or one for new data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from functions.train.uploads import UPLOAD
from scoreline.core.datasets import s3_uri
from scoreline.core.errors import MalformedRequestError
from scoreline.core.versions import MODEL_PATTERN
from scoreline.jobs.jobs import TrainingRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

READY_RULE = "the manifest's key must be datasets/MODEL/_READY.json, or lie in a folder below MODEL"
_READY_KEY = re.compile(rf"datasets/(?P<model>{MODEL_PATTERN.pattern})/(.+/)?_READY\.json")
_JOB_KEYS = {"job", "model", "dataset_path"}  # and trained_by, which older messages lack
_NO_MODEL = "-"
_SEQUENCER_WIDTH = 64  # S3's have 16 to 18 digits; of two lengths the shorter is padded with zeros


@dataclass(frozen=True, slots=True)
class Order:
    """A job to do.

    Attributes
    ----------
    manifest, sequencer : the object that announces new data, and when, as S3 orders its events
    problem : why the job cannot be done
    """

    job: str
    request: TrainingRequest
    manifest: str = ""
    sequencer: str = ""
    problem: str = ""


def unreadable(message: str, problem: str) -> Order:
    """The job that stands for a message that asks for nothing; its id is the message's in hex."""
    return Order(message.replace("-", ""), TrainingRequest(_NO_MODEL, ""), problem=problem)


def read_orders(body: str) -> list[Order]:
    """The orders of an SQS message's body; none for the test event that S3 sends at setup.

    Raises
    ------
    MalformedRequestError
        The body is nothing that the queue is there for.
    """
    try:
        message = json.loads(body)
        if message.keys() - {"trained_by"} == _JOB_KEYS:
            return [_submitted(message)]
        if message.get("detail-type") == "Object Created":
            return [_announced(message["detail"])]
        if message.get("Event") == "s3:TestEvent":
            return []
        return [_notified(record) for record in message["Records"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedRequestError("not a message that asks for training") from error


def _submitted(message: Mapping[str, Any]) -> Order:
    if not all(isinstance(value, str) for value in message.values()):
        raise TypeError("job")
    asked = {name: value for name, value in message.items() if name != "job"}
    return Order(message["job"], TrainingRequest(**asked))


def _announced(detail: Mapping[str, Any]) -> Order:
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


def _notified(record: Mapping[str, Any]) -> Order:
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
) -> Order:
    """The job of one version of a manifest, however often and by whichever event it is told."""
    named = _READY_KEY.fullmatch(key)
    known = "" if version in {None, "", "null"} else str(version)
    request = TrainingRequest(
        named["model"] if named else _NO_MODEL,
        s3_uri(bucket, key, known),
        f"{UPLOAD}{requester or 'nobody known'}",
    )
    return Order(
        request.job_id(known or f"{etag} {sequencer}"),
        request,
        manifest=s3_uri(bucket, key) if sequencer else "",
        sequencer=(sequencer or "").upper().ljust(_SEQUENCER_WIDTH, "0"),
        problem="" if named else READY_RULE,
    )
