"""A promoted model in the OpenAPI document: what its routes take and answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoreline.api import answers
from scoreline.api.json_schema import Schema, ref, schema_of_table
from scoreline.api.routes import DecisionChange
from scoreline.api.scoring_requests import (
    APPLICATIONS,
    BATCH,
    CUSTOMER_WHAT_IF,
    TARGETS,
    WHAT_IF,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.api.fields import Table


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """A model that has a champion.

    Attributes
    ----------
    name : of the model
    scored : JSON Schema of what it scores: an application, or a customer and an application
    example : what it scores, as a request would send it
    """

    name: str
    scored: Schema
    example: Mapping[str, Any] | None = None

    @property
    def class_name(self) -> str:
        """The model's name as part of the names of schemas."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def answer(self) -> Any:
        """The type of an answer."""
        decides = self.scored["x-task"] == "default"
        return answers.CreditAnswer if decides else answers.RecommendationAnswer

    @property
    def has_customers(self) -> bool:
        """Whether what is scored names a customer beside the application."""
        return "customer_id" in self.scored.get("properties", {})

    @property
    def scored_ref(self) -> Schema:
        """The component of what is scored."""
        return ref(f"{self.class_name}{'Customer' if self.has_customers else 'Application'}")

    def components(self) -> dict[str, Schema]:
        """Schemas of the bodies that the model's routes take."""
        name, scored = self.class_name, dict(self.scored)
        scored.pop("$schema", None)
        scored.pop("title", None)  # clients would call the class by it
        if not self.has_customers:
            return {f"{name}Application": scored, **self._envelopes(WHAT_IF)}
        application = scored["properties"]["application"]
        properties = {**scored["properties"], "application": ref(f"{name}Application")}
        return {
            f"{name}Application": application,
            f"{name}Customer": {**scored, "properties": properties},
            **self._envelopes(CUSTOMER_WHAT_IF),
        }

    def _envelopes(self, what_if: Table) -> dict[str, Schema]:
        applications = {**APPLICATIONS.schema, "items": self.scored_ref}
        envelopes = {f"{self.class_name}Batch": schema_of_table(BATCH, applications=applications)}
        if self.answer is answers.CreditAnswer:
            application = ref(f"{self.class_name}Application")
            schema = schema_of_table(what_if, application=application)
            envelopes[f"{self.class_name}WhatIf"] = schema
        return envelopes

    def routes(self) -> Iterator[tuple[str, str, Schema, Any, Any]]:
        """Path, name of the operation, schema and example of the body, and type of the answer."""
        path, name = f"/models/{self.name}", self.name.replace("-", "_")
        example, batch = self.example, ref(f"{self.class_name}Batch")
        yield f"{path}/predict", f"predict_{name}", self.scored_ref, example, self.answer
        many = example and {"applications": [example]}
        yield f"{path}/predict/batch", f"predict_batch_{name}", batch, many, answers.BatchAnswer
        if self.answer is answers.CreditAnswer:
            schema = ref(f"{self.class_name}WhatIf")
            asked = example and self._what_if_example(example)
            yield f"{path}/what-if", f"what_if_{name}", schema, asked, DecisionChange

    def _what_if_example(self, example: Mapping[str, Any]) -> dict[str, Any]:
        parts = example if self.has_customers else {"application": example}
        return {**parts, "target": TARGETS[0]}
