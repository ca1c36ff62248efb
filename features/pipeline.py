"""What a feature pipeline is: tables, the rows of them that were known, and their features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ibis.expr.types import NumericValue, Table

    type Tables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A feature of a customer.

    Attributes
    ----------
    unit : of the value, such as days or share
    value : aggregate of the known rows of one customer; null where they do not say
    """

    name: str
    description: str
    unit: str
    value: Callable[[Table], NumericValue]


@dataclass(frozen=True, slots=True)
class History:
    """A table of the customers' past and the features made of it.

    Attributes
    ----------
    columns : column that the pipeline reads -> its type
    known : all tables -> the rows of this one that were known when the customer applied, with the
        customer's key
    """

    table: str
    columns: Mapping[str, str]
    known: Callable[[Tables], Table]
    features: tuple[FeatureSpec, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Point-in-time features of the customers who apply.

    Attributes
    ----------
    key : column of the customer's id, in the applications and in every history
    target : column of the applications that says who defaulted, null where nobody knows yet
    application : table of the applications, one for a customer
    columns : column of the applications that the pipeline reads -> its type
    prepared : the applications as they are kept
    """

    name: str
    key: str
    target: str
    application: str
    columns: Mapping[str, str]
    prepared: Callable[[Table], Table]
    histories: tuple[History, ...]

    @property
    def schemas(self) -> dict[str, Mapping[str, str]]:
        """Table -> columns that are read -> their types."""
        return {
            self.application: self.columns,
            **{history.table: history.columns for history in self.histories},
        }

    @property
    def features(self) -> dict[str, tuple[FeatureSpec, History]]:
        """Every feature by its name, with the table that it is made of."""
        return {spec.name: (spec, h) for h in self.histories for spec in h.features}

    def customers(self, tables: Tables) -> Table:
        """The features of every customer who applies: the key, then the features as float64.

        A customer whom a table does not know has null in its features.
        """
        applicants = tables[self.application].select(self.key)
        parts = [self._of_customers(history, tables) for history in self.histories]
        return reduce(self._join, parts, applicants)

    def offline(self, tables: Tables) -> Table:
        """The applications with the features beside them, for training; ordered by customer."""
        applications = self.prepared(tables[self.application])
        return self._join(applications, self.customers(tables)).order_by(self.key)

    def _of_customers(self, history: History, tables: Tables) -> Table:
        known = history.known(tables)
        values = {spec.name: spec.value(known).cast("float64") for spec in history.features}
        return known.group_by(self.key).aggregate(**values)

    def _join(self, left: Table, right: Table) -> Table:
        return left.left_join(right, self.key).drop(f"{self.key}_right")


def share(part: NumericValue, whole: NumericValue) -> NumericValue:
    """Part by whole as a float; null where the whole is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0)
