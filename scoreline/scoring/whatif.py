"""What-if questions: the effect of a change, and the smallest changes that reach a decision."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from scoreline.api.fields import BROKEN, UNKNOWN
from scoreline.api.scoring_requests import CUSTOMER_WHAT_IF, TARGETS, WHAT_IF
from scoreline.core.contract import Decision
from scoreline.core.errors import (
    FieldError,
    InvalidApplicationError,
    InvalidRequestError,
    shown_name,
)
from scoreline.scoring import proposals
from scoreline.scoring.online import no_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scoreline.api.scoring_answers import (
        ChangedAnswer,
        ChangedField,
        Comparison,
        CreditAnswer,
        Found,
        Proposal,
        Proposals,
        Unchanged,
    )
    from scoreline.api.values import Outcome
    from scoreline.scoring.model import ScoringModel
    from scoreline.scoring.online import FindHistory

    type Score = Callable[[Mapping[str, Any]], CreditAnswer]

DECISIONS: tuple[str, ...] = get_args(Decision)  # the best first


def what_if(
    model: ScoringModel,
    body: Mapping[str, Any],
    languages: Sequence[str] = (),
    look_up: FindHistory = no_history,
) -> Comparison | Proposals:
    """The answer to `{"application", "changes"}` or `{"application", "target"}`.

    A model with online features also takes a `customer_id`.

    Parameters
    ----------
    languages : wanted languages of the reasons' texts, the best first
    look_up : finds the history of a customer

    Raises
    ------
    InvalidApplicationError
        Every broken rule of the request, as `application.FIELD` or `changes.FIELD`.
    InvalidRequestError
        The model makes no decisions.
    """
    if not model.contract.bands:
        raise InvalidRequestError("this model makes no decision that a change could move")
    # Under one name per feature, a change replaces a value that was sent under an alias.
    body = {
        name: model.encoder.canonical(value) if isinstance(value, dict) else value
        for name, value in body.items()
    }
    broken = tuple(_broken_rules(model, body))
    if broken:
        raise InvalidApplicationError(BROKEN, broken)
    history = look_up(model, body.get("customer_id"))
    score = partial(_score, model, history.values, languages)
    application = body["application"]
    before = _prefixed("application", score, application)
    unchanged: Unchanged = {
        "model": model.contract.model,
        "version": model.version,
        "before": before,
        **history.shown,
    }
    if "changes" in body:
        return {**unchanged, **_afterwards(score, application, body["changes"], before)}
    row = model.encoder.encode(application, history.values)
    goal = proposals.Goal(model, row, _at_least(body["target"]))
    found = _propose(goal, score, application, before)
    return {**unchanged, "target": body["target"], **found}


def _propose(
    goal: proposals.Goal,
    score: Score,
    application: Mapping[str, Any],
    before: CreditAnswer,
) -> Found:
    reached = before["decision"] in goal.decisions
    nothing = proposals.Search([], scored=0, complete=True)
    search = nothing if reached else proposals.search(goal)
    names = [feature.name for feature in goal.model.contract.features]
    proposed: list[Proposal] = []
    for candidate in search.proposals:
        changes = {names[move.column]: move.value for move in candidate}
        afterwards = _afterwards(score, application, changes, before)
        # The search scores batches, whose float32 sums may differ from a single row's at a cutoff.
        if afterwards["after"]["decision"] in goal.decisions:
            shown: list[ChangedField] = [
                {"field": f, "from": application[f], "to": to} for f, to in changes.items()
            ]
            steps = proposals.total_steps(candidate)
            proposed.append({"changes": shown, "steps": steps, **afterwards})
    return {
        "outcome": _outcome(reached, bool(proposed), search.complete),
        "proposals": proposed,
        "search": {
            "scored": search.scored,
            "complete": search.complete,
            "max_fields": proposals.MAX_FIELDS,
            "max_steps": proposals.MAX_STEPS,
        },
    }


def _at_least(target: str) -> tuple[str, ...]:
    return DECISIONS[: DECISIONS.index(target) + 1]


def _outcome(reached: bool, found: bool, complete: bool) -> Outcome:
    if reached:
        return "already reached"
    if found:
        return "found"
    return "none within the ranges" if complete else "none found, the search is not complete"


def _score(
    model: ScoringModel,
    history: Mapping[str, Any],
    languages: Sequence[str],
    application: Mapping[str, Any],
) -> CreditAnswer:
    """The answer to the application, as a single request gets it."""
    row = model.encoder.encode(application, history)
    [answer] = model.answer([(application, row)], languages)
    return cast("CreditAnswer", answer)  # a model with bands has no other answers


def _afterwards(
    score: Score,
    application: Mapping[str, Any],
    changes: Mapping[str, Any],
    before: CreditAnswer,
) -> ChangedAnswer:
    """The answer to the changed application, and the differences of its figures."""
    changed = _prefixed("changes", score, {**application, **changes})
    after: CreditAnswer = {**changed, "id": before["id"]}
    probability = after["probability_of_default"] - before["probability_of_default"]
    return {
        "after": after,
        "difference": {
            "probability_of_default": round(probability, 6),
            "score": after["score"] - before["score"],
            "risk_score": round(after["risk_score"] - before["risk_score"], 2),
        },
    }


def _prefixed(part: str, score: Score, application: Mapping[str, Any]) -> CreditAnswer:
    """The answer, or its refusal with the part of the request in front of each field."""
    try:
        return score(application)
    except InvalidApplicationError as error:
        fields = (FieldError(f"{part}.{broken.field}", broken.rule) for broken in error.fields)
        raise InvalidApplicationError(error.message, tuple(fields)) from error


def _broken_rules(model: ScoringModel, body: Mapping[str, Any]) -> Iterator[FieldError]:
    table = CUSTOMER_WHAT_IF if model.contract.pipeline else WHAT_IF
    yield from table.problems(body)
    application, changes = body.get("application"), body.get("changes")
    if not isinstance(application, dict):
        application = {}
    else:
        for error in _refused(model, application):
            yield FieldError(f"application.{error.field}", error.rule)
    if isinstance(changes, dict):
        yield from _broken_changes(model, application, changes)
    if body.get("target") in TARGETS and not _reachable(model, body["target"]):
        yield FieldError("target", "is above every decision of this model")


def _broken_changes(
    model: ScoringModel, application: Mapping[str, Any], changes: Mapping[str, Any]
) -> Iterator[FieldError]:
    if "id" in changes:
        yield FieldError("changes.id", UNKNOWN)
    changed = {shown_name(name) for name in changes if name != "id"}
    for error in _refused(model, {**application, **changes}):
        if error.field in changed:
            yield FieldError(f"changes.{error.field}", error.rule)


def _reachable(model: ScoringModel, target: str) -> bool:
    return any(band.decision in _at_least(target) for band in model.contract.bands)


def _refused(model: ScoringModel, application: Mapping[str, Any]) -> tuple[FieldError, ...]:
    try:
        model.encoder.encode(application)
    except InvalidApplicationError as error:
        return error.fields
    return ()
