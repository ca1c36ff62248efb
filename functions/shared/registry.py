"""The model registry: bundles in S3, written once; pointers and routing in SSM."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.shared.errors import (
    ModelNotFoundError,
    PointerInvalidError,
    RegistryUnavailableError,
    VersionExistsError,
    VersionNotFoundError,
    VersionRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterTypeDef

    from functions.shared.settings import Settings

MODEL_FILE = "model.onnx"
BATCH_FILE = "batch.onnx"
MANIFEST_FILE = "manifest.json"
REPORT_FILE = "report.html"
CONTENT_TYPES = {".json": "application/json", ".html": "text/html; charset=utf-8"}

VERSION_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
MODEL_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MANIFEST_KEY = re.compile(
    rf"models/(?P<model>{MODEL_PATTERN.pattern})/(?P<version>{VERSION_PATTERN.pattern})"
    rf"/{re.escape(MANIFEST_FILE)}"
)

# A dead endpoint must not hold a scoring request for botocore's default minute.
CLIENT_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 2})


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version and the SHA-256 of its `model.onnx` in hex."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """What serves a model: the champion decides; a challenger may run beside it."""

    champion: VersionRef
    challenger: dict[str, Any] | None = None

    def to_json(self) -> str:
        """The text of the SSM parameter."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Pointer:
        """Inverse of `to_json`; a PointerInvalidError where the text is something else."""
        try:
            raw = json.loads(text)
            champion = VersionRef(**raw["champion"])
            if not VERSION_PATTERN.fullmatch(champion.version) or len(champion.sha256) != 64:
                raise ValueError("version or sha256")
            return cls(champion, raw.get("challenger"))
        except (ValueError, TypeError, KeyError) as error:
            raise PointerInvalidError("the pointer parameter is not a pointer") from error


@dataclass(frozen=True, slots=True)
class Routing:
    """Which model answers: the default one, and the one of each bank."""

    default: str
    banks: Mapping[str, str]

    def to_json(self) -> str:
        """The text of the SSM parameter."""
        return json.dumps({"default": self.default, "banks": dict(self.banks)})

    @classmethod
    def from_json(cls, text: str) -> Routing:
        """Inverse of `to_json`; a PointerInvalidError where the text is something else."""
        try:
            raw = json.loads(text)
            default, banks = raw["default"], raw["banks"]
            if not all(isinstance(model, str) for model in [default, *banks.values()]):
                raise TypeError("model")
            return cls(default, banks)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PointerInvalidError("the routing parameter is not a routing") from error

    def model_for(self, bank: str | None) -> str:
        """The model of a bank, or the default model for None."""
        if bank is None:
            return self.default
        if bank not in self.banks:
            raise ModelNotFoundError("no model is routed to this bank")
        return self.banks[bank]


class ModelRegistry:
    """Bundles, pointers and routing of one deployment."""

    def __init__(self, settings: Settings, *, s3: S3Client, ssm: SSMClient) -> None:
        self.settings = settings
        self._s3 = s3
        self._ssm = ssm

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """With clients from the usual AWS environment."""
        return cls(
            settings,
            s3=boto3.client("s3", config=CLIENT_CONFIG),
            ssm=boto3.client("ssm", config=CLIENT_CONFIG),
        )

    # Pointers and routing

    def pointer(self, model: str) -> Pointer:
        """The pointer of a model; ModelNotFoundError where nothing is promoted."""
        return Pointer.from_json(self._parameter(self.settings.pointer_parameter(model), model))

    def pointers(self) -> dict[str, Pointer | None]:
        """Pointers of all models; None stands for one that cannot be read."""
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

    def pointer_writes(self, model: str) -> int:
        """How often the pointer of a model has been written, by us or by hand; 0 without one."""
        try:
            return self._get_parameter(self.settings.pointer_parameter(model), model)["Version"]
        except ModelNotFoundError:
            return 0

    def write_pointer(self, model: str, pointer: Pointer) -> None:
        """Let `pointer` serve the model."""
        self._put_parameter(self.settings.pointer_parameter(model), pointer.to_json())

    def routing(self) -> Routing:
        """The routing parameter."""
        return Routing.from_json(self._parameter(self.settings.routing_parameter, "routing"))

    def write_routing(self, routing: Routing) -> None:
        """Replace the routing parameter."""
        self._put_parameter(self.settings.routing_parameter, routing.to_json())

    def _parameter(self, name: str, model: str) -> str:
        return self._get_parameter(name, model)["Value"]

    def _get_parameter(self, name: str, model: str) -> ParameterTypeDef:
        with aws_errors("SSM"):
            try:
                return self._ssm.get_parameter(Name=name)["Parameter"]
            except self._ssm.exceptions.ParameterNotFound:
                raise ModelNotFoundError(f"{model}: nothing is promoted") from None

    def _put_parameter(self, name: str, value: str) -> None:
        with aws_errors("SSM"):
            self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    # Bundles

    def read(self, model: str, version: str, file: str) -> bytes:
        """One file of a version's bundle; VersionNotFoundError where it does not exist."""
        with aws_errors("S3"):
            try:
                key = bundle_key(model, version, file)
                return self._s3.get_object(Bucket=self.settings.bucket, Key=key)["Body"].read()
            except self._s3.exceptions.NoSuchKey:
                raise VersionNotFoundError(f"{model} has no version {version}") from None

    def manifest(self, model: str, version: str) -> dict[str, Any]:
        """The manifest of a version; VersionRefusedError where it is not one."""
        try:
            manifest = json.loads(self.read(model, version, MANIFEST_FILE))
        except ValueError:
            manifest = None
        if not isinstance(manifest, dict):
            raise VersionRefusedError(f"{version}: {MANIFEST_FILE} is not a manifest")
        return manifest

    def publish(self, model: str, version: str, files: Mapping[str, bytes]) -> None:
        """Write each file once, the manifest last: a version exists when its manifest does.

        Raises
        ------
        VersionExistsError
            A file of the version is there already, with other content.
        """
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
        for key in self._keys(prefix):  # S3 lists keys in their order
            if match := _MANIFEST_KEY.fullmatch(key):
                published.setdefault(match["model"], []).append(match["version"])
        return published

    def _write_once(self, key: str, content: bytes) -> None:
        content_type = CONTENT_TYPES.get(key[key.rindex(".") :], "application/octet-stream")
        bucket = self.settings.bucket
        try:
            self._s3.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*"
            )
        except ClientError as error:  # boto's own second attempt finds what its first has written
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            if self._s3.get_object(Bucket=bucket, Key=key)["Body"].read() != content:
                raise VersionExistsError(f"{key} is there already, with other content") from error

    def _keys(self, prefix: str) -> Iterator[str]:
        with aws_errors("S3"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.settings.bucket, Prefix=prefix
            )
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []))


def bundle_key(model: str, version: str, file: str) -> str:
    """S3 key of a bundle's file."""
    if not MODEL_PATTERN.fullmatch(model) or not VERSION_PATTERN.fullmatch(version):
        raise VersionNotFoundError("no such model or version")
    return f"models/{model}/{version}/{file}"


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def aws_errors(service: str) -> Iterator[None]:
    """Turn boto's exceptions into a RegistryUnavailableError that names service and code."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise RegistryUnavailableError(f"{service} answered {code}") from error
    except BotoCoreError as error:
        raise RegistryUnavailableError(f"{service}: {type(error).__name__}") from error
