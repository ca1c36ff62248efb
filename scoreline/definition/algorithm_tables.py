"""The table `[algorithm]`: one variant for each algorithm, distinguished by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.parameters import kinds_of
from scoreline.definition.problems import refuse_problems
from scoreline.definition.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON_TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}

# A plain dictionary keeps order and number types as they are written, and so the digest.
Parameters = dict[str, Any]
NO_PARAMETERS: Parameters = {}


def _schema(algorithm: str) -> WithJsonSchema:
    """JSON Schema of an algorithm's parameters."""
    properties = dict(_parameter_schemas(algorithm))
    return WithJsonSchema(
        {"type": "object", "properties": properties, "additionalProperties": False}
    )


def _parameter_schemas(algorithm: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rules = ALGORITHMS[algorithm]
    for name, kind in rules.parameters.items():
        allowed = rules.allowed(name)
        if kind is None or allowed == ():
            continue
        types = [JSON_TYPES[part] for part in kinds_of(kind)]
        schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
        if allowed is not None:
            schema["enum"] = list(allowed)
        if interval := rules.interval(name):
            schema |= interval.schema
        if name in rules.defaults:
            schema["default"] = rules.defaults[name]
        yield name, schema


class Algorithm(Table):
    """The learning algorithm and the parameters of its library.

    Attributes
    ----------
    name : the algorithm
    parameters : parameters of the library's estimator
    """

    name: str
    parameters: Parameters = NO_PARAMETERS

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        problems = ALGORITHMS[self.name].problems(self.parameters)
        refuse_problems((f"parameters.{name}", rule) for name, rule in problems)
        return self


class LogisticRegression(Algorithm):
    """Logistic regression of scikit-learn on standardised columns."""

    name: Literal["logistic_regression"]
    parameters: Annotated[Parameters, _schema("logistic_regression")] = NO_PARAMETERS


class WoeScorecard(Algorithm):
    """Logistic regression on the weights of evidence of optimally binned features."""

    name: Literal["woe_scorecard"]
    parameters: Annotated[Parameters, _schema("woe_scorecard")] = NO_PARAMETERS


class RandomForest(Algorithm):
    """Random forest of scikit-learn."""

    name: Literal["random_forest"]
    parameters: Annotated[Parameters, _schema("random_forest")] = NO_PARAMETERS


class GradientBoosting(Algorithm):
    """Gradient boosting of scikit-learn."""

    name: Literal["gradient_boosting"]
    parameters: Annotated[Parameters, _schema("gradient_boosting")] = NO_PARAMETERS


class XGBoost(Algorithm):
    """Gradient boosting of XGBoost."""

    name: Literal["xgboost"]
    parameters: Annotated[Parameters, _schema("xgboost")] = NO_PARAMETERS


class LightGBM(Algorithm):
    """Gradient boosting of LightGBM."""

    name: Literal["lightgbm"]
    parameters: Annotated[Parameters, _schema("lightgbm")] = NO_PARAMETERS


AnyAlgorithm = Annotated[
    LogisticRegression | WoeScorecard | RandomForest | GradientBoosting | XGBoost | LightGBM,
    Field(discriminator="name"),
]
# A recommendation is exported as one ensemble of trees and compared with a library's conversion.
TreeAlgorithm = Annotated[
    RandomForest | GradientBoosting | XGBoost | LightGBM, Field(discriminator="name")
]
