"""A promoted model in the OpenAPI document: the bodies and answers of its routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, is_typeddict

from scoreline.api import scoring_answers
from scoreline.api.json_schema import Schema, TypeSchemas, ref, schema_of_table
from scoreline.api.routes import ROUTES, DecisionChange
from scoreline.api.scoring_answers import (
    BatchAnswer,
    CreditAnswer,
    RecommendationAnswer,
    Refusal,
)
from scoreline.api.scoring_requests import (
    APPLICATIONS,
    BATCH,
    CUSTOMER_WHAT_IF,
    TARGETS,
    WHAT_IF,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Figures that a further field of an answer may hold and that answers do not have themselves.
COMPUTED: dict[str, Schema] = {
    "predicted_default": {"type": "integer", "enum": [0, 1]},
    "recommended_products": {"type": "string"},
    "answered_at": {"type": "string", "format": "date-time"},
}
# Components and operations that are no model's: a model named `error` must not replace ErrorAnswer.
TYPES = {
    "BankedBatch",
    *(name for name, kind in vars(scoring_answers).items() if is_typeddict(kind)),
}
OPERATIONS = {route.name for route in ROUTES.values()}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on one model.

    Attributes
    ----------
    name : of the operation, as clients call it
    example : of the body
    """

    path: str
    name: str
    body: Schema
    example: Mapping[str, Any] | None
    answer: Schema


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """A model with a champion.

    Attributes
    ----------
    name : of the model
    scored : JSON Schema of an application, or of a customer and an application
    example : an application that scores, as a request sends it
    """

    name: str
    scored: Schema
    example: Mapping[str, Any] | None = None

    @property
    def class_name(self) -> str:
        """The model's name as part of the names of schemas."""
        name = "".join(word.capitalize() for word in self.name.split("-"))
        is_taken = not TYPES.isdisjoint(f"{name}{part}" for part in ("Answer", "Batch"))
        return f"{name}Model" if is_taken else name

    @property
    def operation_name(self) -> str:
        """The model's name as part of the names of operations."""
        name = self.name.replace("-", "_")
        is_taken = not OPERATIONS.isdisjoint((f"predict_{name}", f"predict_batch_{name}"))
        return f"{name}_model" if is_taken else name

    @property
    def decides(self) -> bool:
        """Whether an answer is a decision that a change of the application could move."""
        return bool(self.scored["x-task"] == "default")

    @property
    def has_customers(self) -> bool:
        """Whether a request may name a customer, whose history is looked up."""
        return "customer_id" in self.scored.get("properties", {})

    @property
    def scored_ref(self) -> Schema:
        """The component of an application, or of a customer and an application."""
        return ref(f"{self.class_name}{'Customer' if self.has_customers else 'Application'}")

    @property
    def batch_ref(self) -> Schema:
        """The component of a batch."""
        return ref(f"{self.class_name}Batch")

    def components(self, types: TypeSchemas) -> dict[str, Schema]:
        """Schemas of the bodies and answers of the model's routes."""
        name = self.class_name
        applications = {**APPLICATIONS.schema, "items": self.scored_ref}
        schemas = {
            **self._applications(),
            f"{name}Batch": schema_of_table(BATCH, applications=applications),
            f"{name}Answer": self._answer(types),
            f"{name}BatchAnswer": self._batch_answer(types),
        }
        if self.decides:
            table = CUSTOMER_WHAT_IF if self.has_customers else WHAT_IF
            application = ref(f"{name}Application")
            schemas[f"{name}WhatIf"] = schema_of_table(table, application=application)
        return schemas

    def operations(self, types: TypeSchemas) -> Iterator[Operation]:
        """The operations on the model."""
        path, name, example = f"/models/{self.name}", self.operation_name, self.example
        yield Operation(
            path=f"{path}/predict",
            name=f"predict_{name}",
            body=self.scored_ref,
            example=example,
            answer=ref(f"{self.class_name}Answer"),
        )
        yield Operation(
            path=f"{path}/predict/batch",
            name=f"predict_batch_{name}",
            body=self.batch_ref,
            example=example and {"applications": [example]},
            answer=ref(f"{self.class_name}BatchAnswer"),
        )
        if self.decides:
            yield Operation(
                path=f"{path}/what-if",
                name=f"what_if_{name}",
                body=ref(f"{self.class_name}WhatIf"),
                example=example and self._what_if_example(example),
                answer=types.of(DecisionChange),
            )

    def _applications(self) -> dict[str, Schema]:
        name, scored = self.class_name, dict(self.scored)
        for key in ("$schema", "x-answer", "title"):  # clients would name the class by its title
            scored.pop(key, None)
        if not self.has_customers:
            return {f"{name}Application": scored}
        application = scored["properties"]["application"]
        properties = {**scored["properties"], "application": ref(f"{name}Application")}
        return {
            f"{name}Application": application,
            f"{name}Customer": {**scored, "properties": properties},
        }

    def _answer(self, types: TypeSchemas) -> Schema:
        kind = CreditAnswer if self.decides else RecommendationAnswer
        schema = types.component(kind)
        figures = {**schema["properties"], **COMPUTED}
        further = {
            name: figures[given] if isinstance(given, str) else {"const": given["constant"]}
            for name, given in self.scored.get("x-answer", {}).items()
        }
        return {
            **schema,
            "properties": {**schema["properties"], **further},
            "required": [*schema["required"], *further],
        }

    def _batch_answer(self, types: TypeSchemas) -> Schema:
        schema = types.component(BatchAnswer)
        results = [ref(f"{self.class_name}Answer"), types.of(Refusal)]
        items = {"type": "array", "items": {"anyOf": results}}
        return {**schema, "properties": {**schema["properties"], "results": items}}

    def _what_if_example(self, example: Mapping[str, Any]) -> dict[str, Any]:
        parts = example if self.has_customers else {"application": example}
        return {**parts, "target": TARGETS[0]}
