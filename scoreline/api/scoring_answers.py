"""The types of answers to scoring requests, from which their JSON Schemas are made.

Functions name these types in their signatures only, so that a cold start does not load them.
"""

# ruff: noqa: TC001 - json_schema resolves the annotations when it makes schemas
from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from scoreline.api.values import Model, Outcome, Points, Probability, Time, Version


class BrokenField(TypedDict):
    """A field of a request and the rule that it breaks; the value is never repeated."""

    field: str
    rule: str


class Problem(TypedDict):
    """The reason why a request has no answer, with all broken fields."""

    code: str
    message: str
    fields: list[BrokenField]


class ErrorAnswer(TypedDict):
    """The answer to a request that cannot be answered."""

    error: Problem


class LookedUpFeatures(TypedDict):
    """The part of a customer's history that the score has used."""

    customer_id: str | None
    found: list[str]
    as_of: Time | None
    age_days: float | None


class HistoryPart(TypedDict):
    """The part of an answer about a customer's history; few models have online features."""

    features: NotRequired[LookedUpFeatures]


class Reason(TypedDict):
    """A principal reason for a decline, or what lowered the score of an approved applicant."""

    code: str
    feature: str
    points: Annotated[int, {"description": "Points lost against the reference group"}]
    text: Annotated[str, {"description": "In the language of Accept-Language"}]
    kind: Literal["adverse", "held_back"]


class Probabilities(TypedDict):
    """The probability of each class."""

    low_risk: Probability
    high_risk: Probability


class CreditDecision(TypedDict):
    """The decision of a model of the probability of default."""

    probability_of_default: Probability
    probabilities: Probabilities
    score: Points
    risk_score: Annotated[float, {"minimum": 0, "maximum": 100}]
    risk_level: str
    decision: Literal["approve", "refer", "decline"]
    reasons: list[Reason]


class RecommendedProduct(TypedDict):
    """A product and the probability that the customer takes it."""

    product: str
    description: str
    probability: Probability


class RecommendedProducts(TypedDict):
    """The recommendation of a model of the products that customers take."""

    recommendations: Annotated[
        list[RecommendedProduct],
        {"description": "The likeliest products that the customer does not hold, the best first"},
    ]


class Scored(HistoryPart):
    """The part that every answer has: its application and the version that answered."""

    id: str
    model: Model
    version: Version
    unseen: NotRequired[
        Annotated[
            list[str],
            {"description": "Fields with a category that the model accepts but does not list"},
        ]
    ]
    unlearned: NotRequired[
        Annotated[
            list[str],
            {"description": "Features in a state that too few training rows were in"},
        ]
    ]
    processing_time_ms: NotRequired[
        Annotated[float, {"description": "A batch has one for all its applications"}]
    ]


class CreditAnswer(Scored, CreditDecision):
    """The decision on an application, its score and the reasons."""


class RecommendationAnswer(Scored, RecommendedProducts):
    """The products that are recommended to a customer."""


Answer = CreditAnswer | RecommendationAnswer


class Refusal(ErrorAnswer):
    """The error of an application in a batch that breaks the model's contract."""

    id: NotRequired[str]


class BatchResults(TypedDict):
    """An answer or an error for each application."""

    model: Model
    version: Version
    results: list[CreditAnswer | RecommendationAnswer | Refusal]


class BatchAnswer(BatchResults):
    """An answer or an error for each application, in their order."""

    processing_time_ms: float


class Difference(TypedDict):
    """The figures after a change minus those before."""

    probability_of_default: float
    score: int
    risk_score: float


class ChangedAnswer(TypedDict):
    """The answer to a changed application."""

    after: CreditAnswer
    difference: Difference


class Unchanged(HistoryPart):
    """The answer to an application as it was sent."""

    model: Model
    version: Version
    before: CreditAnswer


class Comparison(Unchanged, ChangedAnswer):
    """The decision on an application before and after a change."""


ChangedField = TypedDict("ChangedField", {"field": str, "from": Any, "to": Any})
ChangedField.__doc__ = "A field of an application, its value and the proposed one."


class Proposal(ChangedAnswer):
    """A change that reaches the decision."""

    changes: Annotated[list[ChangedField], {"minItems": 1, "maxItems": 3}]
    steps: int


class SearchEffort(TypedDict):
    """The extent of the search for proposals."""

    scored: Annotated[int, {"description": "Candidates that were scored"}]
    complete: Annotated[
        bool, {"description": "No change of at most max_fields fields is smaller than these"}
    ]
    max_fields: int
    max_steps: Annotated[int, {"description": "Steps of one field"}]


class Found(TypedDict):
    """The result of a search for proposals."""

    outcome: Outcome
    proposals: Annotated[list[Proposal], {"maxItems": 3}]
    search: SearchEffort


class Proposals(Unchanged, Found):
    """The smallest changes that reach a decision."""

    target: Literal["approve", "refer"]


class Verification(TypedDict):
    """The answer to admin's question whether a version may be promoted."""

    verified: Literal[True]
    sha256: str
