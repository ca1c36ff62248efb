"""Tables of customers' pasts for tests: written out by hand, or invented."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from features.home_credit.pipeline import HOME_CREDIT
from training.generators.home_credit import tables as home_credit


def table(name, *rows):
    """An Ibis table of rows, each with the columns that matter to it; the others are null."""
    schema = ibis.schema(HOME_CREDIT.schemas[name]).to_pyarrow()
    return ibis.memtable(pa.Table.from_pylist(list(rows), schema=schema))


def tables(**given):
    """Tables of the customers 1 and 2, empty but for the given rows."""
    given.setdefault("application", [{"SK_ID_CURR": 1}, {"SK_ID_CURR": 2}])
    return {name: table(name, *given.get(name, [])) for name in HOME_CREDIT.schemas}


def features(of, customer=1):
    """The features that a customer has."""
    customers = to_rows(HOME_CREDIT.customers(of))
    [found] = [row for row in customers if row[HOME_CREDIT.key] == customer]
    return {n: v for n, v in found.items() if v is not None and n != HOME_CREDIT.key}


def to_rows(table):
    """The rows of an Ibis table."""
    return table.to_pyarrow().to_pylist()


def alike(ours, theirs):
    """Whether two Arrow tables hold the same, but for how sums were rounded."""
    return ours.schema.names == theirs.schema.names and all(
        row == {name: pytest.approx(v, rel=1e-9) if type(v) is float else v for name, v in pairs}
        for row, pairs in zip(ours.to_pylist(), map(dict.items, theirs.to_pylist()), strict=True)
    )


def invented(customers=120, seed=1):
    """Tables of invented customers as Arrow tables, named as the pipeline names them."""
    made = home_credit.tables(np.random.default_rng(seed), customers, 0)
    made["application"] = made.pop("application_train")
    return made
