"""An invented model with every kind of feature, and invented applicants to train it on."""

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
name = "sample"
description = "Invented applicants"
dataset = "datasets/sample/"
id = "applicant"

[target]
column = "outcome"
default = ["bad", 1, true]
good = ["good", 0, false]

[algorithm]
name = "xgboost"
parameters = { n_estimators = 30, max_depth = 3 }

[split]
test_share = 0.3

[score]
base_score = 540
base_odds = 1
pdo = 20

[[bands]]
decision = "approve"
min_score = 560

[[bands]]
decision = "refer"
min_score = 540

[[bands]]
decision = "decline"

[[risk_levels]]
name = "low"
max_probability = 0.2

[[risk_levels]]
name = "high"

[[features]]
name = "income"
type = "number"
unit = "EUR per month"
minimum = 0
maximum = 1e6
nullable = true
special_codes = { no_record = -99, refused = -98 }
actionable = { direction = "increase", step = 100 }

[[features]]
name = "debt"
type = "number"
unit = "EUR"
minimum = 0
maximum = 1e7
actionable = { direction = "decrease", step = 1000 }

[[features]]
name = "enquiries"
type = "integer"
minimum = 0
maximum = 50
nullable = true
special_codes = { never_asked = -1 }

[[features]]
name = "region"
type = "category"
categories = ["north", "south", "west"]
unseen = "accept"
nullable = true

[[features]]
name = "housing"
type = "category"
categories = ["own", "rent"]
actionable = { to = ["own"] }

[[features]]
name = "employed"
type = "boolean"
actionable = { direction = "increase" }

[[features]]
name = "sex"
type = "category"
categories = ["f", "m"]
protected = true

[[derived]]
name = "debt_to_income"
expression = "debt / (12 * income)"
"""

# A good brings 10, and a default costs 40.
PRICED = DEFINITION.replace(
    "[split]",
    """[economics]
currency = "EUR"
profit_of_a_good = 10
loss_given_default = 0.5
exposure = 80

[split]""",
)

# Enough trees for every kind of split; a library's own number of them takes seconds.
FEW_TREES = "parameters = { n_estimators = 30 }"
TREES = ("gradient_boosting", "lightgbm", "random_forest", "xgboost")

APPLICATION = {
    "income": 2500.0,
    "debt": 12000,
    "enquiries": 2,
    "region": "north",
    "housing": "rent",
    "employed": True,
}


def definition(tmp_path, text: str = DEFINITION) -> Definition:
    """The definition, read from a file as a data scientist's would be."""
    path = tmp_path / "sample.toml"
    path.write_text(text)
    return read_definition(path)


def with_algorithm(name: str, parameters: str = "") -> str:
    """The definition's text with another algorithm."""
    old = 'name = "xgboost"\nparameters = { n_estimators = 30, max_depth = 3 }'
    assert old in DEFINITION
    return DEFINITION.replace(old, f'name = "{name}"\n{parameters}')


def with_history(text: str) -> str:
    """The definition's text with two features that are looked up by customer."""
    text = text.replace('id = "applicant"', 'id = "applicant"\npipeline = "sample"')
    for name in ("enquiries", "region"):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\nonline = true')
    return text


def applicants(count: int, seed: int = 1) -> pd.DataFrame:
    """Rows of a dataset with missing values, special codes and unseen categories."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(7.8, 0.5, count).round(2)
    debt = rng.lognormal(9, 1, count).round(2)
    enquiries = rng.poisson(1.5, count).astype(float)
    region = rng.choice(["north", "south", "west", "east"], count, p=[0.4, 0.3, 0.25, 0.05])
    employed = rng.random(count) < 0.8
    margin = 0.4 * np.log(debt / income) + 0.4 * enquiries - 1.2 * employed + (region == "west") - 1
    outcome = np.where(margin + rng.logistic(size=count) > 0, "bad", "good")
    draw = rng.random(count)
    income[draw < 0.05], income[(draw >= 0.05) & (draw < 0.1)] = np.nan, -99
    income[(draw >= 0.1) & (draw < 0.12)] = -98
    enquiries[draw > 0.95], enquiries[(draw > 0.9) & (draw <= 0.95)] = np.nan, -1
    return pd.DataFrame(
        {
            "applicant": np.arange(count),
            "income": income,
            "debt": debt,
            "enquiries": enquiries,
            "region": np.where(draw > 0.97, None, region),
            "housing": rng.choice(["own", "rent"], count),
            "employed": employed,
            "sex": rng.choice(["f", "m"], count),
            "outcome": outcome,
        }
    )


@cache
def bundle(
    algorithm: str = "logistic_regression",
    seed: int = 1,
    rows: int = 300,
    *,
    history: bool = False,
) -> Bundle:
    """A trained version of the sample, made once per test run."""

    def made(folder: Path) -> Bundle:
        from training.train import train

        applicants(rows, seed).to_parquet(folder / "data.parquet")
        text = with_algorithm(algorithm, FEW_TREES if algorithm in TREES else "")
        sample = definition(folder, with_history(text) if history else text)
        return train(sample, str(folder / "data.parquet"))

    return trained(f"sample-{algorithm}-{seed}-{rows}-{history}", made)


def publish(registry: ModelRegistry, made: Bundle, *, promote: bool = True) -> Pointer:
    """Publish a version of the sample and let it serve; returns its pointer."""
    registry.publish("sample", made.version, made.files)
    pointer = Pointer(VersionRef(made.version, digest(made.files[MODEL_FILE])))
    if promote:
        registry.write_pointer("sample", pointer)
        registry.write_routing(Routing("sample", {"north-bank": "sample"}))
    return pointer
