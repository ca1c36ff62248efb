"""Names of versions and their files, the pointer to the version that serves, and the routing."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    MAX_NAME,
    ModelNotFoundError,
    PointerInvalidError,
    VersionNotFoundError,
)
from scoreline.core.json_text import read_json
from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL_FILE = "model.onnx"
BATCH_FILE = "batch.onnx"
MANIFEST_FILE = "manifest.json"
REPORT_FILE = "report.html"
TRAINING_ROWS_FILE = "training_rows.bin"

VERSION_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
MODEL_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
MAX_ENTRY = 10**12  # keys of the ledger have twelve digits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_model_name(text: str) -> bool:
    """Whether a text may name a model, which is part of S3 keys, parameters and URLs."""
    return len(text) <= MAX_NAME and MODEL_PATTERN.fullmatch(text) is not None


@record
class VersionRef:
    """A version and the SHA-256 of its `model.onnx` in hex."""

    version: str
    sha256: str

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> VersionRef:
        """Inverse of `asdict`; ValueError, TypeError or KeyError if `raw` is not a reference."""
        version, sha256 = raw["version"], raw["sha256"]
        if not VERSION_PATTERN.fullmatch(version) or not DIGEST_PATTERN.fullmatch(sha256):
            raise ValueError("version or sha256")
        return cls(version, sha256)


@record
class Watch:
    """The time after a promotion in which the replaced champion runs as a shadow of the new one.

    Attributes
    ----------
    entry : number of the promotion in the ledger
    until : ISO 8601, with its zone
    """

    entry: int
    until: str
    shadow: VersionRef

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Watch:
        """Inverse of `asdict`; ValueError, TypeError or KeyError if `raw` is not a watch."""
        entry, until = raw["entry"], datetime.fromisoformat(raw["until"])
        if until.tzinfo is None or until < EPOCH:
            raise ValueError("until")
        if int(entry) != entry or not 0 <= entry < MAX_ENTRY:
            raise ValueError("entry")
        return cls(int(entry), raw["until"], VersionRef.from_json(raw["shadow"]))


@record
class Pointer:
    """The versions of a model that serve: a champion that decides, perhaps a challenger.

    Attributes
    ----------
    watch : set by a promotion; the challenger is set by people only
    """

    champion: VersionRef
    challenger: dict[str, Any] | None = None
    watch: Watch | None = None

    def to_json(self) -> str:
        """The text of the SSM parameter."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Pointer:
        """Inverse of `to_json`; PointerInvalidError if the text is not a pointer."""
        try:
            raw = read_json(text)
            champion = VersionRef.from_json(raw["champion"])
            watch = raw.get("watch")
            found = None if watch is None else Watch.from_json(watch)
            return cls(champion, raw.get("challenger"), found)
        except (ValueError, TypeError, KeyError) as error:
            raise PointerInvalidError("the pointer parameter is not a pointer") from error


@record
class Routing:
    """The default model, and the model of each bank."""

    default: str
    banks: Mapping[str, str]

    def to_json(self) -> str:
        """The text of the SSM parameter."""
        return json.dumps({"default": self.default, "banks": dict(self.banks)})

    @classmethod
    def from_json(cls, text: str) -> Routing:
        """Inverse of `to_json`; PointerInvalidError if the text is not a routing."""
        try:
            raw = read_json(text)
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


def definition_key(model: str, sha256: str) -> str:
    """S3 key of a definition's text."""
    return f"definitions/{model}/{sha256}.toml"


def bundle_key(model: str, version: str, file: str) -> str:
    """S3 key of a bundle's file."""
    if not is_model_name(model) or not VERSION_PATTERN.fullmatch(version):
        raise VersionNotFoundError("no such model or version")
    return f"models/{model}/{version}/{file}"


def watch_key(model: str, watch: Watch) -> dict[str, str]:
    """DynamoDB key of the counts of a watch."""
    return {"model": model, "entry": f"{watch.entry:012d}"}


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
