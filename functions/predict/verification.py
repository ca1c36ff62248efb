"""Whether a version may be promoted: it loads where it will serve, and its golden rows come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.predict.champions import load_version
from functions.shared.errors import VersionRefusedError
from functions.shared.registry import MODEL_FILE, ModelRegistry, VersionRef

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBABILITY_TOLERANCE = 1e-5


def verify(registry: ModelRegistry, model: str, version: str) -> str:
    """Load a version and answer its golden rows; returns the SHA-256 of its `model.onnx`.

    Raises
    ------
    VersionNotFoundError
        The version is not published.
    VersionRefusedError
        It does not load, or an answer differs from the one that training recorded.
    """
    manifest = registry.manifest(model, version)
    sha256: str = manifest["files"][MODEL_FILE]["sha256"]
    scoring_model = load_version(registry, model, VersionRef(version, sha256))
    golden = manifest["golden"]
    applications = [row["application"] for row in golden]
    answers = scoring_model.answer([(a, scoring_model.encode(a)) for a in applications])
    if not golden or any(
        _differs(answer, row["answer"]) for answer, row in zip(answers, golden, strict=True)
    ):
        raise VersionRefusedError(f"{model} {version}: a golden row has another answer")
    return sha256


def _differs(answer: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    gap = abs(answer["probability_of_default"] - expected["probability_of_default"])
    return gap > PROBABILITY_TOLERANCE or any(
        answer[key] != expected[key] for key in ("score", "decision")
    )
