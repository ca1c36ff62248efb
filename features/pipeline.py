"""Feature pipelines: tables, their rows known at application time, and features of these rows."""

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
    value : aggregate of the known rows of one customer; null where it is undefined
    """

    name: str
    description: str
    unit: str
    value: Callable[[Table], NumericValue]


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """A table of customers' history and the features computed from it.

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
    """Point-in-time features of applicants.

    Attributes
    ----------
    key : column of the customer's id, in the applications and in every history
    target : column of the applications with the outcome, null where it is not known yet
    application : table of the applications, one per customer
    columns : column of the applications that the pipeline reads -> its type
    prepared : transformation of the applications for the offline table
    """

    name: str
    key: str
    target: str
    application: str
    columns: Mapping[str, str]
    prepared: Callable[[Table], Table]
    histories: tuple[HistoryTable, ...]

    @property
    def schemas(self) -> dict[str, Mapping[str, str]]:
        """Table -> columns that are read -> their types."""
        return {
            self.application: self.columns,
            **{history.table: history.columns for history in self.histories},
        }

    @property
    def features(self) -> dict[str, tuple[FeatureSpec, HistoryTable]]:
        """Every feature by its name, with the table that it is computed from."""
        return {spec.name: (spec, h) for h in self.histories for spec in h.features}

    def customers(self, tables: Tables) -> Table:
        """The features of every applicant: the key, then the features as float64.

        Features are null for a customer who is absent from their table.
        """
        applicants = tables[self.application].select(self.key)
        parts = [self._features_of(history, tables) for history in self.histories]
        return reduce(self._join, parts, applicants)

    def offline(self, tables: Tables) -> Table:
        """The applications joined with their features, for training, ordered by customer."""
        applications = self.prepared(tables[self.application])
        return self._join(applications, self.customers(tables)).order_by(self.key)

    def _features_of(self, history: HistoryTable, tables: Tables) -> Table:
        known = history.known(tables)
        # Backends differ in the type of an aggregate.
        values = {spec.name: spec.value(known).cast("float64") for spec in history.features}
        return known.group_by(self.key).aggregate(**values)

    def _join(self, left: Table, right: Table) -> Table:
        return left.left_join(right, self.key).drop(f"{self.key}_right")


def share(part: NumericValue, whole: NumericValue) -> NumericValue:
    """Part divided by whole, as a float; null where the whole is 0."""
    return part.cast("float64") / whole.cast("float64").nullif(0)
