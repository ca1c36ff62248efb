"""The OpenAPI document of a deployment, with the applications that its champions take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.api.openapi import openapi_document
from scoreline.api.promoted_model import PromotedModel
from scoreline.core.errors import ModelNotFoundError, VersionNotFoundError, VersionRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scoreline.api.json_schema import Schema
    from scoreline.aws.predict_function import PredictFunction
    from scoreline.aws.registry import ModelRegistry


def api_document(registry: ModelRegistry, predict: PredictFunction) -> Schema:
    """The OpenAPI document; a champion that predict does not load is left out."""
    try:
        default = registry.routing().default
    except ModelNotFoundError:
        default = None
    models = {model.name: model for model in _promoted(registry, predict)}
    return openapi_document(models, default)


def _promoted(registry: ModelRegistry, predict: PredictFunction) -> Iterator[PromotedModel]:
    for name, pointer in sorted(registry.pointers().items()):
        schema = predict.application_schema(name) if pointer else None
        if pointer and schema:
            golden = _golden_rows(registry, name, pointer.champion.version)
            yield PromotedModel(name, schema, _example(schema, golden))


def _golden_rows(registry: ModelRegistry, model: str, version: str) -> Sequence[Mapping[str, Any]]:
    try:
        rows = registry.manifest(model, version).get("golden")
    except (VersionNotFoundError, VersionRefusedError):
        return ()
    return [row["application"] for row in rows or ()]


def _example(schema: Schema, golden: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The fullest golden row, as a request sends it; null stands for a field that is absent."""
    if not golden:
        return None
    fullest = max(golden, key=lambda row: sum(value is not None for value in row.values()))
    application = {name: value for name, value in fullest.items() if value is not None}
    has_customers = "customer_id" in schema["properties"]
    return {"application": application} if has_customers else application
