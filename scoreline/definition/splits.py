"""The table `[split]`: how test rows are held out, at random or by time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scoreline.core.dates import FORMS, read_time
from scoreline.definition.problems import checked_by, refuse_problems
from scoreline.definition.tables import Seed, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scoreline.definition.problems import Problem

TEST_SHARE = 0.25
_FIRST_DAY = datetime(2018, 1, 1, tzinfo=UTC)


def _check_format(text: str) -> Iterable[Problem]:
    """A date that is written in the format has its year when it is read again."""
    if not text:
        return
    # Without a year, strptime warns of a day that may not exist.
    known = bool(re.search("%[YyGcx]", text))
    try:
        known = known and read_time(_FIRST_DAY.strftime(text), text).year == _FIRST_DAY.year
    except ValueError:
        known = False
    if not known:
        yield "", "must be a format of strptime with a year, such as %d.%m.%Y"


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True


class RandomSplit(Table):
    """Test rows are drawn at random, with equal shares of defaults in both parts.

    Attributes
    ----------
    method : how test rows are held out
    test_share : share of the rows that is held out
    seed : seed of the draw, and of the folds of calibration
    """

    # No column orders the rows.
    column: ClassVar[str] = ""
    format: ClassVar[str] = ""
    observed_column: ClassVar[str] = ""

    method: Literal["random"] = "random"
    test_share: Annotated[float, Field(gt=0, lt=1)] = TEST_SHARE
    seed: Seed = 1


class TimeSplit(Table):
    """The latest rows are held out, which tests the model out of time; folds go forward, too.

    Attributes
    ----------
    method : how test rows are held out
    column : column of the time of the decision, or of a number that orders the rows
    test_share : share of the rows that is held out; refused where rows of one time are so many that
        it cannot be given within 20 %
    seed : has no effect on a split by time
    from : the first time that is held out, in place of a share: a date such as 2018-05-01, or a
        number where the column holds numbers
    format : format of the column's dates as in Python's `strptime`, such as %d.%m.%Y, where they
        can be read in more than one way
    outcome_window_days : days after the decision in which a default counts; rows whose outcome was
        observed earlier are left out
    observed_at : when outcomes were observed: a date, or the column that holds it
    """

    method: Literal["time"]
    column: Annotated[str, Field(min_length=1)]
    test_share: Annotated[float, Field(gt=0, lt=1)] = TEST_SHARE
    seed: Seed = 1
    start: Annotated[str | float | None, Field(alias="from")] = None
    format: Annotated[str, checked_by(_check_format)] = ""
    outcome_window_days: Annotated[int, Field(ge=1)] | None = None
    observed_at: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_problems(self._problems())
        return self

    def _problems(self) -> Iterable[Problem]:
        if self.start is not None and self.test_share != TEST_SHARE:
            yield "from", "is in place of test_share, give one of them"
        if isinstance(self.start, str) and not _is_time(self.start):
            yield "from", f"must be a number or a date such as {FORMS}"
        if bool(self.outcome_window_days) != bool(self.observed_at):
            yield "observed_at", "is compared with outcome_window_days, give both or neither"

    @property
    def observed_column(self) -> str:
        """The column that says when an outcome was observed; empty where it is one date."""
        return "" if _is_time(self.observed_at) else self.observed_at


def _with_method(value: Any) -> Any:
    return {"method": "random", **value} if isinstance(value, dict) else value


Split = Annotated[
    RandomSplit | TimeSplit, Field(discriminator="method"), BeforeValidator(_with_method)
]
