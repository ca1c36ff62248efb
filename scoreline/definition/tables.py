"""The tables of a definition besides features and algorithm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from scoreline.core.contract import ANSWER_FIELDS, Constant, CreditFigure, RecommendationFigure
from scoreline.definition.problems import checked_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scoreline.definition.problems import Problem


class Table(BaseModel):
    """A table of a definition: unknown keys, wrong types and infinite numbers are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, serialize_by_alias=True
    )


def _label_text(value: Any) -> Any:
    """Labels compare as text: true, 1 and "bad" are those of the dataset's column."""
    return str(value).lower() if isinstance(value, bool) else str(value)


LabelText = Annotated[
    str, BeforeValidator(_label_text, json_schema_input_type=str | int | float | bool)
]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # numpy takes no larger ones
MAX_WATCH_MINUTES = 366 * 24 * 60  # a watch must end at a date that exists
LabelTexts = Annotated[tuple[LabelText, ...], Field(min_length=1)]


class Target(Table):
    """The column that holds the outcome, and which of its values mean default.

    Attributes
    ----------
    column : column of the dataset; rows without a value are left out
    default : values that mean that the applicant defaulted
    good : values that mean that the applicant did not default
    ignore : values of rows to leave out, such as an outcome that is not known yet
    """

    column: str
    default: LabelTexts
    good: LabelTexts
    ignore: tuple[LabelText, ...] = ()


def _check_target(target: Target) -> Iterable[Problem]:
    if set(target.default) & set(target.good):
        yield "", "a label is both default and good"
    if set(target.ignore) & {*target.default, *target.good}:
        yield "ignore", "a label that is ignored is default or good as well"


CheckedTarget = Annotated[Target, checked_by(_check_target)]


class Tuning(Table):
    """A search for the algorithm's parameters, except for those that the definition gives.

    Each trial is judged by the mean AUC over the folds. The search ends after `trials`, or with the
    trial in which the time runs out.

    Attributes
    ----------
    trials : trials to run
    timeout_s : seconds after which no further trial starts
    folds : folds of the cross-validation of a trial
    max_depth : deepest trees to try; a random forest may grow one level deeper
    seed : seed of the search and of the folds
    """

    trials: Annotated[int, Field(ge=1)] = 40
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    folds: Annotated[int, Field(ge=2)] = 5
    max_depth: Annotated[int, Field(ge=2, le=6)] = 4
    seed: Seed = 1


class CalibrationSettings(Table):
    """The default rate that the probabilities are calibrated to.

    Attributes
    ----------
    default_rate : default rate of the population, where that of the dataset differs
    """

    default_rate: Annotated[float, Field(gt=0, lt=1)] | None = None


class Explanation(Table):
    """How reasons are found.

    Attributes
    ----------
    reference : whom a declined applicant is compared with: approved applicants near the cutoff, or
        all applicants
    max_reasons : most reasons in an answer
    """

    reference: Literal["marginal_approved", "all_applicants"] = "marginal_approved"
    max_reasons: Annotated[int, Field(ge=1)] = 4


class ReportSettings(Table):
    """Statements of the report about the model's use.

    Attributes
    ----------
    purpose : what the model is for, and who decides with it
    limits : what the model must not be used for
    """

    purpose: str = ""
    limits: tuple[str, ...] = ()


class CreditReportSettings(ReportSettings):
    """Statements of the report about a credit model's use, and the segments that it shows.

    Attributes
    ----------
    segments : features whose values form the segments; the most important ones by default
    """

    segments: tuple[str, ...] = ()


class WatchSettings(Table):
    """How long a new champion is compared with the one before, and what rolls it back.

    Attributes
    ----------
    minutes : length of the watch, 0 for none, at most a year
    max_error_rate : share of applications without an answer that the champion before answers
    max_score_drift : population stability index of the scores against the champion before
    min_decisions : fewest decisions that are judged
    """

    minutes: Annotated[float, Field(ge=0, le=MAX_WATCH_MINUTES)] = 60
    max_error_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    max_score_drift: Annotated[float, Field(gt=0)] = 0.25
    min_decisions: Annotated[int, Field(ge=1)] = 200


_ANSWER_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def _check_answer(answer: Mapping[str, object]) -> Iterable[Problem]:
    """The names of further fields are valid and differ from those of every answer."""
    for name in answer:
        if name in ANSWER_FIELDS:
            yield name, "is a field of every answer"
        if not _ANSWER_FIELD_NAME.fullmatch(name):
            yield name, "must be at most 64 letters, digits, hyphens and underscores"


_kind = Discriminator(lambda value: "figure" if isinstance(value, str) else "constant")
_Constant = Annotated[Constant, Tag("constant")]
_CreditField = Annotated[Annotated[CreditFigure, Tag("figure")] | _Constant, _kind]
_RecommendationField = Annotated[Annotated[RecommendationFigure, Tag("figure")] | _Constant, _kind]
CreditAnswerFields = Annotated[dict[str, _CreditField], checked_by(_check_answer)]
RecommendationAnswerFields = Annotated[dict[str, _RecommendationField], checked_by(_check_answer)]
