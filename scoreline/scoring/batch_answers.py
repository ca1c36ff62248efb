"""Answers to a batch of applications: bounded in items, in errors and in bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from scoreline.api.fields import is_identifier
from scoreline.core.errors import (
    FeaturesInvalidError,
    InvalidApplicationError,
    PayloadTooLargeError,
    ScorelineError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scoreline.api.scoring_answers import Answer, Refusal
    from scoreline.scoring.model import EncodedApplication, ScoringModel
    from scoreline.scoring.online import Applicant

    type ReadApplicant = Callable[[ScoringModel, Mapping[str, Any]], Applicant]

# Errors name the fields of so many items, and so many fields of an item.
MAX_FULL_REFUSALS, MAX_ITEM_FIELDS = 100, 20
MAX_ANSWERS_BYTES = 5 * 1024 * 1024
SAMPLE = 20  # answers from whose size that of all is estimated
INSTEAD = "send fewer at once, or score a file with scoreline batch"


def answer_batch(
    model: ScoringModel,
    items: Sequence[Any],
    read_applicant: ReadApplicant,
    languages: Sequence[str],
    most: int,
) -> list[Answer | Refusal]:
    """An answer or an error for each item, in their order.

    Parameters
    ----------
    most : the largest number of items

    Raises
    ------
    PayloadTooLargeError
        The items are more than `most`, or the answers to the first of them show that those to all
        would take over MAX_ANSWERS_BYTES.
    """
    if len(items) > most:
        raise PayloadTooLargeError(f"a batch has at most {most} applications; {INSTEAD}")
    refusals: dict[int, Refusal] = {}
    applicants: list[Applicant] = []
    for place, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise InvalidApplicationError("the application is not a JSON object")
            applicants.append(read_applicant(model, item))
        except (InvalidApplicationError, FeaturesInvalidError) as error:
            max_fields = MAX_ITEM_FIELDS if len(refusals) < MAX_FULL_REFUSALS else 0
            refusals[place] = _refusal(model, item, error, max_fields)
    answers = _answers(model, [applicant.encoded for applicant in applicants], languages)
    answered = (
        cast("Answer", answer if "error" in answer else {**answer, **applicant.shown})
        for answer, applicant in zip(answers, applicants, strict=True)
    )
    return [refusals.get(place) or next(answered) for place in range(len(items))]


def _answers(
    model: ScoringModel, encoded: Sequence[EncodedApplication], languages: Sequence[str]
) -> list[Answer | Refusal]:
    """The answers; all but the first few are made only if together they are small enough."""
    first, rest = encoded[:SAMPLE], encoded[SAMPLE:]
    answers = _outcomes(model, first, languages) if first else []
    if not rest:
        return answers
    if len(json.dumps(answers)) / len(first) * len(encoded) > MAX_ANSWERS_BYTES:
        raise PayloadTooLargeError(f"the answers are over {MAX_ANSWERS_BYTES} bytes; {INSTEAD}")
    return [*answers, *_outcomes(model, rest, languages)]


def _outcomes(
    model: ScoringModel, encoded: Sequence[EncodedApplication], languages: Sequence[str]
) -> list[Answer | Refusal]:
    """The answers, and the errors of applications that the model refuses once it has run."""
    return [
        _error_of(application, outcome, MAX_ITEM_FIELDS)
        if isinstance(outcome, InvalidApplicationError)
        else outcome
        for (application, _), outcome in zip(
            encoded, model.answer_each(encoded, languages), strict=True
        )
    ]


def _refusal(model: ScoringModel, item: Any, error: ScorelineError, max_fields: int) -> Refusal:
    """The error of an item of the request."""
    if model.contract.pipeline and isinstance(item, dict):
        item = item.get("application")
    return _error_of(item, error, max_fields)


def _error_of(application: Any, error: ScorelineError, max_fields: int) -> Refusal:
    """The error of an application, with its id unless the id itself breaks a rule."""
    identifier = application.get("id") if isinstance(application, dict) else None
    refusal = cast("Refusal", error.to_json(max_fields))
    return {"id": identifier, **refusal} if is_identifier(identifier) else refusal
