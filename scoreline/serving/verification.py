"""Verifies that a version loads where it will serve, and that it answers its golden rows alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    FeaturesUnavailableError,
    InvalidApplicationError,
    VersionRefusedError,
)
from scoreline.core.versions import MODEL_FILE, VersionRef
from scoreline.scoring.model import load_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.aws.reader import ModelReader

PROBABILITY_TOLERANCE = 1e-5


def verify(registry: ModelReader, model: str, version: str) -> str:
    """Load a version and check its golden rows; returns the SHA-256 of its `model.onnx`.

    Raises
    ------
    VersionNotFoundError
        The version is not published.
    VersionRefusedError
        It does not load, or an answer differs from the recorded one.
    """
    manifest = registry.manifest(model, version)
    try:
        sha256 = str(manifest["files"][MODEL_FILE]["sha256"])
        golden = [_golden_row(row) for row in manifest["golden"]]
    except (KeyError, TypeError, ValueError):
        raise VersionRefusedError(
            f"{model} {version}: the manifest has an unknown format"
        ) from None
    if not golden:
        raise VersionRefusedError(f"{model} {version}: the manifest has no golden row")
    scoring_model = load_version(registry, model, VersionRef(version, sha256))
    try:
        encoded = [
            (application, scoring_model.encoder.encode(application, history))
            for application, history, _ in golden
        ]
    except (InvalidApplicationError, FeaturesUnavailableError):
        problem = "a golden row breaks the version's own contract"
        raise VersionRefusedError(f"{model} {version}: {problem}") from None
    answers = [
        outcome.to_json() if isinstance(outcome, InvalidApplicationError) else outcome
        for outcome in scoring_model.answer_each(encoded)
    ]
    if any(differs(answer, row) for answer, (*_, row) in zip(answers, golden, strict=True)):
        raise VersionRefusedError(f"{model} {version}: a golden row has another answer")
    return sha256


def _golden_row(
    row: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The application, the customer's history, and the part of the answer to compare."""
    answer = dict(row["answer"])
    if not answer:
        raise ValueError("nothing to compare")
    return dict(row["application"]), dict(row.get("history", {})), answer


def differs(found: Any, expected: Any) -> bool:
    """Whether an answer differs from the expected one in any of the expected keys."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return any(
            key not in found or differs(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) != len(expected) or any(map(differs, found, expected))
    if isinstance(expected, float) and isinstance(found, float):
        return abs(found - expected) > PROBABILITY_TOLERANCE
    return bool(found != expected)
