"""Keeps moto's content in a folder, so that it survives a restart, also after kill -9.

Objects are files in `objects/`, named by their SHA-256 and written once. `state.json` lists them
and holds the rest. It is replaced atomically, so a reader finds the old state or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
from itertools import batched
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from local.environment import ACCOUNT, REGION, SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from local.resources import Aws

FORMAT = 1
BATCH_ITEMS = 25  # the most that BatchWriteItem takes


class StateError(Exception):
    """The folder holds no state that this version can read."""


class State:
    """The state folder of one running stack."""

    def __init__(self, folder: Path, aws: Aws) -> None:
        self._folder = folder
        self._aws = aws
        self._saved: dict[tuple[str, str], dict[str, Any]] = {}

    def restore(self) -> None:
        """Load the folder's content into moto; an empty folder has none."""
        if not self._index.exists():
            return
        try:
            state = json.loads(self._index.read_bytes())
            if state["format"] != FORMAT:
                raise ValueError(f"format {state['format']} instead of {FORMAT}")
            self._put(state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"cannot read {self._index}: {error}; `make clean` starts afresh"
            ) from error

    def save(self) -> None:
        """Write moto's present content."""
        objects = list(self._objects())
        self._replace(
            self._index,
            json.dumps(
                {
                    "format": FORMAT,
                    "objects": objects,
                    "parameters": list(self._parameters()),
                    "tables": {name: list(self._items(name)) for name in self._tables()},
                    "queues": {queue: _messages(queue) for queue in self._queues()},
                },
                indent=1,
            ).encode(),
        )
        # last, so that no crash leaves an index that lists a missing object
        self._forget({entry["sha256"] for entry in objects})

    @property
    def _index(self) -> Path:
        return self._folder / "state.json"

    def _put(self, state: dict[str, Any]) -> None:
        for entry in state["objects"]:
            content = (self._folder / "objects" / entry["sha256"]).read_bytes()
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise ValueError(f"objects/{entry['sha256']} is damaged")
            self._aws.s3.put_object(
                Bucket=SETTINGS.bucket,
                Key=entry["key"],
                Body=content,
                ContentType=entry["content_type"],
                Metadata=entry["metadata"],
            )
        for parameter in state["parameters"]:
            self._aws.ssm.put_parameter(**parameter, Overwrite=True)
        for table, items in state["tables"].items():
            for item in items:
                if "lease_until" in item:  # a running training ended with the stack
                    item["lease_until"] = {"N": "0"}
            for batch in batched(items, BATCH_ITEMS, strict=False):
                puts: Any = [{"PutRequest": {"Item": item}} for item in batch]
                self._aws.dynamodb.batch_write_item(RequestItems={table: puts})
        for queue, bodies in state["queues"].items():
            for body in bodies:
                self._aws.sqs.send_message(QueueUrl=self._queue_url(queue), MessageBody=body)

    def _objects(self) -> list[dict[str, Any]]:
        """The newest version of each object; only objects that are new are read."""
        pages = self._aws.s3.get_paginator("list_object_versions").paginate(Bucket=SETTINGS.bucket)
        newest = [
            (version["Key"], version["VersionId"])
            for page in pages
            for version in page.get("Versions", [])
            if version["IsLatest"]
        ]
        self._saved = {
            identity: self._saved.get(identity) or self._save_object(*identity)
            for identity in newest
        }
        return list(self._saved.values())

    def _save_object(self, key: str, version: str) -> dict[str, Any]:
        found = self._aws.s3.get_object(Bucket=SETTINGS.bucket, Key=key, VersionId=version)
        content = found["Body"].read()
        digest = hashlib.sha256(content).hexdigest()
        path = self._folder / "objects" / digest
        if not path.exists():
            self._replace(path, content)
        return {
            "key": key,
            "sha256": digest,
            "content_type": found["ContentType"],
            "metadata": found["Metadata"],
        }

    def _parameters(self) -> list[dict[str, str]]:
        pages = self._aws.ssm.get_paginator("get_parameters_by_path").paginate(
            Path=f"/scoreline/{SETTINGS.stage}", Recursive=True
        )
        return [
            {"Name": p["Name"], "Value": p["Value"], "Type": p["Type"]}
            for page in pages
            for p in page["Parameters"]
        ]

    def _tables(self) -> list[str]:
        return self._aws.dynamodb.list_tables()["TableNames"]

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self._aws.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def _queues(self) -> list[str]:
        urls = self._aws.sqs.list_queues().get("QueueUrls", [])
        return [url.rpartition("/")[2] for url in urls]

    def _queue_url(self, queue: str) -> str:
        return self._aws.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def _forget(self, digests: set[str]) -> None:
        for path in (self._folder / "objects").glob("*"):
            if path.name not in digests:
                path.unlink()

    def _replace(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(content)
        os.replace(temporary, path)


def _messages(queue: str) -> list[str]:
    """Bodies of all messages, also those in flight, which no API of SQS returns."""
    return [message.body for message in get_backend("sqs")[ACCOUNT][REGION].queues[queue]._messages]
