"""The table `[economics]`: the profit of a loan that is repaid, and the loss of one that is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from scoreline.definition.problems import checked_by
from scoreline.definition.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoreline.core.features import Feature
    from scoreline.definition.problems import Problem

MAX_MONEY = 1e12
NUMBER_OR_COLUMN = "must be a number, or the name of a column"


def _check_currency(code: str) -> Iterable[Problem]:
    if not re.fullmatch("[A-Z]{3}", code):
        yield "", "must be a code of three capital letters, such as EUR"


def _check_money(money: float | str) -> Iterable[Problem]:
    if money == "":
        yield "", NUMBER_OR_COLUMN
    if not isinstance(money, str) and not 0 < money <= MAX_MONEY:
        yield "", f"must be above 0, and at most {MAX_MONEY:,.0f}"


def _check_share(share: float | str) -> Iterable[Problem]:
    if share == "":
        yield "", NUMBER_OR_COLUMN
    if not isinstance(share, str) and not 0 <= share <= 1:
        yield "", "must be a share from 0 to 1"


Money = Annotated[float | str, checked_by(_check_money)]
Share = Annotated[float | str, checked_by(_check_share)]


class Economics(Table):
    """Earnings and costs of an approved loan, from which the profit at each cutoff follows.

    Each amount is one number for all loans, or the name of a column of the dataset.

    Attributes
    ----------
    currency : ISO 4217 code of the currency of all amounts, such as EUR
    profit_of_a_good : money earned with a loan that is repaid, over its life
    loss_given_default : share of the exposure that is lost with a default, from 0 to 1
    exposure : money owed at the time of a default
    """

    currency: Annotated[str, checked_by(_check_currency)]
    profit_of_a_good: Money
    loss_given_default: Share
    exposure: Money

    @property
    def columns(self) -> dict[str, str]:
        """Key -> column, for the amounts that are columns."""
        keys = ("profit_of_a_good", "loss_given_default", "exposure")
        given = {key: getattr(self, key) for key in keys}
        return {key: column for key, column in given.items() if isinstance(column, str)}


def check_economics(
    economics: Economics, features: Iterable[Feature], others: Sequence[str]
) -> Iterable[Problem]:
    """Columns of money are no labels or ids, and no features unless they are known beforehand.

    The exposure may be a feature, such as the amount that is asked for; profits and losses are
    known only after the decision.
    """
    inputs = {feature.dataset_column for feature in features}
    for key, column in economics.columns.items():
        if column in others:
            yield f"economics.{key}", "the column has another role in the definition"
        if column in inputs and key != "exposure":
            yield f"economics.{key}", "the column is a feature as well"
