"""An invented recommendation model and invented customers to train it on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scoreline.core.versions import MODEL_FILE, Pointer, Routing, VersionRef, digest
from scoreline.definition.files import read_definition
from tests.shared import trained

if TYPE_CHECKING:
    from pathlib import Path

    from scoreline.aws.registry import ModelRegistry
    from scoreline.definition.model import Definition
    from training.train import Bundle

DEFINITION = """
name = "shop"
description = "Invented customers"
task = "recommendation"
dataset = "datasets/shop/"
id = "customer"
top = 2

[[labels]]
name = "account"
description = "Current account"

[[labels]]
name = "card"
column = "has_card"
description = "Credit card"

[[labels]]
name = "fund"
description = "Investment fund"

[[labels]]
name = "mortgage"
description = "Mortgage"

[algorithm]
name = "xgboost"
parameters = { n_estimators = 20, max_depth = 3 }

[[features]]
name = "income"
type = "number"
unit = "EUR per year"
minimum = 0
maximum = 1e7
nullable = true
special_codes = { unknown = -99 }
aliases = ["renta"]
description = "Gross income"

[[features]]
name = "age"
type = "integer"
minimum = 0
maximum = 120
aliases = ["años", "edad"]

[[features]]
name = "segment"
type = "category"
categories = ["student", "private", "top"]
nullable = true

[[features]]
name = "country"
type = "category"
categories = ["ES", "FR"]
unseen = "accept"
"""

CUSTOMER = {"income": 42_000.5, "age": 35, "segment": "private", "country": "ES"}


def definition(folder, text: str = DEFINITION) -> Definition:
    """The definition, read from a file as a data scientist's would be."""
    path = folder / "shop.toml"
    path.write_text(text)
    return read_definition(path)


def customers(count: int, seed: int = 1) -> pd.DataFrame:
    """Rows of a dataset: nearly all have an account, the old and rich funds, two a mortgage."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, count)
    income = rng.lognormal(10, 0.6, count).round(2)
    old, rich = (age - 50) / 15, np.log(income) - 10
    draw = rng.random(count)
    return pd.DataFrame(
        {
            "customer": np.arange(count),
            "income": np.where(draw < 0.1, np.nan, np.where(draw < 0.15, -99, income)),
            "age": age,
            "segment": np.where(draw > 0.95, None, rng.choice(["student", "private"], count)),
            "country": rng.choice(["ES", "FR", "PT"], count, p=[0.9, 0.05, 0.05]),
            "account": (rng.random(count) < 0.95).astype(int),
            "has_card": rng.logistic(size=count) < 2 * rich - 1,
            "fund": (rng.logistic(size=count) < old + rich - 1.5).astype(int),
            "mortgage": (np.arange(count) < 2).astype(int),
        }
    )


@cache
def bundle() -> Bundle:
    """A trained version of the shop, made once per test run."""

    def made(folder: Path) -> Bundle:
        from training.train import train

        customers(600).to_parquet(folder / "data.parquet")
        return train(definition(folder), str(folder / "data.parquet"))

    return trained("shop", made)


def publish(registry: ModelRegistry, made: Bundle) -> None:
    """Publish a version of the shop, let it serve, and route a bank to it."""
    registry.publish("shop", made.version, made.files)
    registry.write_pointer(
        "shop", Pointer(VersionRef(made.version, digest(made.files[MODEL_FILE])))
    )
    registry.write_routing(Routing("shop", {"south-bank": "shop"}))
