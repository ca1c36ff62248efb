"""Reads pointers, routing and bundles of a deployment, through boto3 or the light client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from scoreline.core.errors import (
    ModelNotFoundError,
    VersionNotFoundError,
    VersionRefusedError,
)
from scoreline.core.json_text import read_json
from scoreline.core.versions import MANIFEST_FILE, Pointer, Routing, bundle_key

if TYPE_CHECKING:
    from scoreline.core.settings import Settings


class RegistrySource(Protocol):
    """Reads SSM parameters and S3 objects.

    Methods return None for what does not exist, and raise RegistryUnavailableError where AWS does
    not answer.
    """

    def get_parameter(self, name: str) -> str | None:
        """The value of an SSM parameter."""

    def get_object(self, bucket: str, key: str) -> bytes | None:
        """The content of an S3 object."""


class ModelReader:
    """The registry of a deployment, read-only."""

    def __init__(self, settings: Settings, source: RegistrySource) -> None:
        self.settings = settings
        self._source = source

    def pointer(self, model: str) -> Pointer:
        """The pointer of a model; a ModelNotFoundError where nothing is promoted."""
        return Pointer.from_json(self._parameter(self.settings.pointer_parameter(model), model))

    def routing(self) -> Routing:
        """The routing parameter."""
        return Routing.from_json(self._parameter(self.settings.routing_parameter, "routing"))

    def read(self, model: str, version: str, file: str) -> bytes:
        """A file of a version's bundle; a VersionNotFoundError where it does not exist."""
        key = bundle_key(model, version, file)
        content = self._source.get_object(self.settings.bucket, key)
        if content is None:
            raise VersionNotFoundError(f"{model} has no version {version}")
        return content

    def manifest(self, model: str, version: str) -> dict[str, Any]:
        """The manifest of a version; a VersionRefusedError where it is not a JSON object."""
        try:
            manifest = read_json(self.read(model, version, MANIFEST_FILE))
        except ValueError:
            manifest = None
        if not isinstance(manifest, dict):
            raise VersionRefusedError(f"{version}: {MANIFEST_FILE} is not a manifest")
        return manifest

    def _parameter(self, name: str, model: str) -> str:
        text = self._source.get_parameter(name)
        if text is None:
            raise ModelNotFoundError(f"{model}: nothing is promoted")
        return text
