"""The model registry, to read and to write: bundles in S3, pointers and routing in SSM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import boto3
from botocore.exceptions import ClientError

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.aws.reader import ModelReader
from scoreline.core.errors import (
    PointerInvalidError,
    VersionExistsError,
)
from scoreline.core.versions import (
    MANIFEST_FILE,
    MODEL_PATTERN,
    VERSION_PATTERN,
    Pointer,
    bundle_key,
    definition_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterTypeDef

    from scoreline.core.settings import Settings
    from scoreline.core.versions import Routing

CONTENT_TYPES = {
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".toml": "application/toml",
}
MANIFEST_KEY = re.compile(
    rf"models/(?P<model>{MODEL_PATTERN.pattern})/(?P<version>{VERSION_PATTERN.pattern})"
    rf"/{re.escape(MANIFEST_FILE)}"
)


@dataclass(frozen=True, slots=True)
class BotoSource:
    """Reads parameters and objects through boto3."""

    s3: S3Client
    ssm: SSMClient

    def get_parameter(self, name: str) -> str | None:
        """The value of a parameter; None where it does not exist."""
        parameter = self.parameter(name)
        return parameter["Value"] if parameter else None

    def parameter(self, name: str) -> ParameterTypeDef | None:
        """A parameter with its version; None where it does not exist."""
        with aws_errors("SSM"):
            try:
                return self.ssm.get_parameter(Name=name)["Parameter"]
            except self.ssm.exceptions.ParameterNotFound:
                return None

    def get_object(self, bucket: str, key: str) -> bytes | None:
        """The content of an object; None where it does not exist."""
        with aws_errors("S3"):
            try:
                return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except self.s3.exceptions.NoSuchKey:
                return None


class ModelRegistry(ModelReader):
    """The registry of a deployment."""

    def __init__(self, settings: Settings, *, s3: S3Client, ssm: SSMClient) -> None:
        self._boto = BotoSource(s3, ssm)
        super().__init__(settings, self._boto)
        self.s3 = s3
        self._ssm = ssm

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(
            settings,
            s3=boto3.client("s3", config=CLIENT_CONFIG),
            ssm=boto3.client("ssm", config=CLIENT_CONFIG),
        )

    # Pointers and routing

    def pointers(self) -> dict[str, Pointer | None]:
        """The pointers of all models; None for a parameter that is not a pointer."""
        path = self.settings.pointer_path
        found: dict[str, Pointer | None] = {}
        with aws_errors("SSM"):
            pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
            for parameter in (p for page in pages for p in page["Parameters"]):
                model = parameter["Name"].removeprefix(path + "/")
                try:
                    found[model] = Pointer.from_json(parameter["Value"])
                except PointerInvalidError:
                    found[model] = None
        return found

    def serving(self, model: str) -> tuple[Pointer | None, int]:
        """The pointer of a model, and how often it has been written, by us or by hand.

        The pointer is None where nothing is promoted or where the parameter is not a pointer.
        """
        parameter = self._boto.parameter(self.settings.pointer_parameter(model))
        if parameter is None:
            return None, 0
        try:
            return Pointer.from_json(parameter["Value"]), parameter["Version"]
        except PointerInvalidError:
            return None, parameter["Version"]

    def write_pointer(self, model: str, pointer: Pointer) -> None:
        """Replace the pointer of a model."""
        self._put_parameter(self.settings.pointer_parameter(model), pointer.to_json())

    def write_routing(self, routing: Routing) -> None:
        """Replace the routing parameter."""
        self._put_parameter(self.settings.routing_parameter, routing.to_json())

    def _put_parameter(self, name: str, value: str) -> None:
        with aws_errors("SSM"):
            self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    # Definitions

    def keep_definition(self, model: str, sha256: str, text: str) -> None:
        """Write a definition below its digest; one that is there already is the same."""
        with aws_errors("S3"):
            self._write_once(definition_key(model, sha256), text.encode())

    def read_definition(self, model: str, sha256: str) -> bytes | None:
        """A definition by its digest; None where it does not exist."""
        return self._boto.get_object(self.settings.bucket, definition_key(model, sha256))

    # Bundles

    def publish(self, model: str, version: str, files: Mapping[str, bytes]) -> None:
        """Write the files of a version, its manifest last: a version exists when its manifest does.

        Raises
        ------
        VersionExistsError
            A file of the version exists already, with other content.
        """
        # A run that is killed on the way leaves files, but no version.
        names = sorted(files, key=lambda name: (name == MANIFEST_FILE, name))
        if names[-1] != MANIFEST_FILE:
            raise ValueError("a bundle needs a manifest")
        with aws_errors("S3"):
            for name in names:
                self._write_once(bundle_key(model, version, name), files[name])

    def versions(self, model: str) -> list[str]:
        """Published versions of a model, oldest first."""
        return self._published(f"models/{model}/").get(model, [])

    def all_versions(self) -> dict[str, list[str]]:
        """Published versions of every model, oldest first."""
        return self._published("models/")

    def models(self) -> list[str]:
        """Models with at least one published version."""
        return sorted(self.all_versions())

    def _published(self, prefix: str) -> dict[str, list[str]]:
        published: dict[str, list[str]] = {}
        for key in self._keys(prefix):  # S3 lists keys in order, and so versions by time
            if match := MANIFEST_KEY.fullmatch(key):
                published.setdefault(match["model"], []).append(match["version"])
        return published

    def _write_once(self, key: str, content: bytes) -> None:
        content_type = CONTENT_TYPES.get(key[key.rindex(".") :], "application/octet-stream")
        bucket = self.settings.bucket
        try:
            self.s3.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            # The first attempt may have written the file before boto3 tried again.
            if self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() != content:
                raise VersionExistsError(f"{key} exists already, with other content") from error

    def _keys(self, prefix: str) -> Iterator[str]:
        with aws_errors("S3"):
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.settings.bucket, Prefix=prefix
            )
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []))
