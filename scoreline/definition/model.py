"""A model's definition: the TOML file that a data scientist writes, checked when it is loaded."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

import models
from scoreline.core.contract import (
    Band,
    Contract,
    DerivedFeature,
    Feature,
    Label,
    Reason,
    RiskLevel,
    ScoreScale,
    Task,
)
from scoreline.core.errors import DefinitionError
from scoreline.core.versions import MODEL_PATTERN, digest
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.expression import parse_expression
from scoreline.definition.gate_settings import GateSettings
from scoreline.definition.rules import problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from scoreline.core.contract import Reference

SOURCES = ("features", "derived")
MODELS_DIR = Path(models.__file__).parent


def _label(value: Any) -> Any:
    """Labels compare as text: true, 1 and "bad" as they stand in the dataset."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Labels = Annotated[tuple[Annotated[str, BeforeValidator(_label)], ...], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Target(_Table):
    """The column that says who defaulted, and which of its values mean what."""

    column: str
    default: Labels
    good: Labels


@dataclass(frozen=True, slots=True)
class Outcome:
    """A column that says what happened: the texts that mean that it did, and that it did not."""

    column: str
    yes: tuple[str, ...]
    no: tuple[str, ...]


class Algorithm(_Table):
    """The learning algorithm and the parameters of its library."""

    name: str
    parameters: dict[str, bool | int | float | str] = {}


class Tuning(_Table):
    """Optional: a search for the algorithm's parameters, but for those that the definition gives.

    It ends after so many trials, or with the trial in which the time is up. Each is judged by the
    mean AUC over the folds.
    """

    trials: Annotated[int, Field(ge=1)] = 40
    timeout_s: Annotated[float, Field(gt=0)] | None = None
    folds: Annotated[int, Field(ge=2)] = 5
    max_depth: Annotated[int, Field(ge=2, le=6)] = 4
    seed: Annotated[int, Field(ge=0)] = 1


class CalibrationSettings(_Table):
    """Optional: the default rate of the population, where the dataset has another one."""

    default_rate: Annotated[float, Field(gt=0, lt=1)] | None = None


class Explanation(_Table):
    """Whom a declined applicant is compared with, and how many reasons an answer gives at most."""

    reference: Literal["marginal_approved", "all_applicants"] = "marginal_approved"
    max_reasons: Annotated[int, Field(ge=1)] = 4


class Split(_Table):
    """How the test set is held out: at random (stratified), or the latest rows by a time column."""

    method: Literal["random", "time"] = "random"
    column: str = ""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    seed: Annotated[int, Field(ge=0)] = 1


class ReportSettings(_Table):
    """Optional: what the report says of the model's use, and the features whose groups it shows.

    Attributes
    ----------
    purpose : what the model is for, and who decides with it
    limits : what it is not for
    segments : features of the model; the most important ones by default
    """

    purpose: str = ""
    limits: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


class WatchSettings(_Table):
    """How long a new champion is watched beside the one before, and what rolls it back.

    Attributes
    ----------
    minutes : 0 for no watch
    max_error_rate : share of applications without an answer that the champion before would have had
    max_score_drift : population stability index of the scores against those of the champion before
    min_decisions : fewer are not judged
    """

    minutes: Annotated[float, Field(ge=0)] = 60
    max_error_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    max_score_drift: Annotated[float, Field(gt=0)] = 0.25
    min_decisions: Annotated[int, Field(ge=1)] = 200


class Definition(_Table):
    """A checked definition."""

    name: str
    description: str
    task: Task = "default"
    dataset: str
    pipeline: str = ""
    id: str = ""
    target: Target | None = None
    labels: tuple[Label, ...] = ()
    top: Annotated[int, Field(ge=0)] = 0
    algorithm: Algorithm
    promotion: Literal["manual", "automatic"] = "manual"
    watch: WatchSettings = WatchSettings()
    tuning: Tuning | None = None
    split: Split = Split()
    gates: GateSettings = GateSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    explanation: Explanation = Explanation()
    score: ScoreScale = ScoreScale()
    bands: tuple[Band, ...] = ()
    risk_levels: tuple[RiskLevel, ...] = ()
    features: Annotated[tuple[Feature, ...], Field(min_length=1)]
    derived: tuple[DerivedFeature, ...] = ()
    reasons: tuple[Reason, ...] = ()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        broken = problems(self)
        if broken:
            raise ValueError("; ".join(broken))
        return self

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """The features that enter the model: all but the protected ones."""
        return tuple(feature for feature in self.features if not feature.protected)

    @property
    def protected(self) -> tuple[Feature, ...]:
        """The features that never enter the model."""
        return tuple(feature for feature in self.features if feature.protected)

    @property
    def sources(self) -> tuple[Feature | DerivedFeature, ...]:
        """All features and derived features, protected ones included."""
        return (*self.features, *self.derived)

    @property
    def model_sources(self) -> tuple[Feature | DerivedFeature, ...]:
        """The features and derived features that enter the model."""
        return (*self.inputs, *self.derived)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What is learned: the default, or for every product whether the customer owns it."""
        if self.target is not None:
            return (Outcome(self.target.column, self.target.default, self.target.good),)
        return tuple(
            Outcome(label.dataset_column, ("1", "true"), ("0", "false")) for label in self.labels
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the definition's content, independent of comments and layout.

        What has its default does not count, so that a key of a later release changes no digest.
        """
        return digest(self.model_dump_json(exclude_defaults=True).encode())

    @classmethod
    def restored(cls, recorded: dict[str, Any]) -> Definition:
        """The definition that a manifest records; a DefinitionError where it breaks a rule."""
        return _checked("the recorded definition", recorded)

    def contract(self, reference: Reference | None = None) -> Contract:
        """The part of the definition that travels in the model."""
        contract = Contract(
            model=self.name,
            task=self.task,
            description=self.description,
            features=self.inputs,
            derived=self.derived,
            labels=self.labels,
            top=self.top,
        )
        if self.target is None:
            return contract
        return replace(
            contract,
            score_scale=self.score,
            bands=self.bands,
            risk_levels=self.risk_levels,
            reasons=self.reasons or tuple(self._plain_reasons()),
            max_reasons=self.explanation.max_reasons,
            pipeline=self.pipeline,
            reference=reference,
        )

    def _plain_reasons(self) -> Iterable[Reason]:
        """A catalogue for a definition without one: a reason for each source, in its own words."""
        for number, source in enumerate(self.model_sources, start=1):
            text = {"en": source.description or source.name}
            yield Reason(code=f"R{number:02d}", features=(source.name,), text=text)

    def without_history(self) -> Definition:
        """The same definition on what the application says alone: no online features."""
        return self.without({feature.name for feature in self.features if feature.online})

    def without(self, names: Collection[str]) -> Definition:
        """The same definition without some features and all that is derived from them."""
        gone = set(names)
        for derived in self.derived:
            if gone & parse_expression(derived.expression).names:
                gone.add(derived.name)
        dumped = self.model_dump()
        kept = {key: [s for s in dumped[key] if s["name"] not in gone] for key in SOURCES}
        is_online = any(feature["online"] for feature in kept["features"])
        segments = [name for name in self.report.segments if name not in gone]
        changed = {
            "pipeline": self.pipeline if is_online else "",
            "reasons": [],
            "report": dumped["report"] | {"segments": segments},
            **kept,
        }
        return _checked(f"part of {self.name}", dumped | changed)

    def fits(self, algorithm: str) -> bool:
        """Whether an algorithm holds what the definition asks for: its monotone directions."""
        directed = any(source.monotone for source in self.sources)
        return not directed or ALGORITHMS[algorithm].holds_directions

    def with_parameters(self, parameters: Mapping[str, Any]) -> Definition:
        """The same definition with parameters of the algorithm in place of its own."""
        algorithm = self.algorithm
        changed = {"parameters": {**algorithm.parameters, **parameters}}
        return self.model_copy(update={"algorithm": algorithm.model_copy(update=changed)})

    def with_algorithm(self, name: str) -> Definition:
        """The same definition with another algorithm and its default parameters.

        Raises
        ------
        DefinitionError
            The algorithm is unknown or cannot hold what the definition asks for.
        """
        changed = self.model_dump() | {"algorithm": {"name": name}}
        return _checked(f"{self.name} with {name}", changed)


def defined_models() -> list[str]:
    """Names of the models that have a definition."""
    return sorted(path.stem for path in MODELS_DIR.glob("*.toml"))


def load_definition(model: str) -> Definition:
    """The definition of a model that ships with the project.

    Raises
    ------
    DefinitionError
        There is none, or it breaks a rule; the message names file, key and rule.
    """
    path = MODELS_DIR / f"{model}.toml"
    if not MODEL_PATTERN.fullmatch(model) or not path.is_file():
        raise DefinitionError(
            f"no definition for this model; defined: {', '.join(defined_models())}"
        )
    return read_definition(path)


def read_definition(path: Path) -> Definition:
    """Read and check a definition file."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"{path.name}: not valid TOML: {error}") from error
    definition = _checked(path.name, raw)
    if definition.name != path.stem:
        raise DefinitionError(f"{path.name}: name: must be the file's own, {path.stem}")
    return definition


def _checked(file: str, raw: dict[str, Any]) -> Definition:
    try:
        return Definition.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        raise DefinitionError(_explain(file, raw, error)) from error


def _explain(file: str, raw: dict[str, Any], error: ValidationError) -> str:
    lines: list[str] = []
    for problem in error.errors():
        key = ".".join(str(part) for part in _named(raw, problem["loc"]))
        rule = problem["msg"].removeprefix("Value error, ")
        lines.extend(
            f"{file}: {key}: {part}" if key else f"{file}: {part}" for part in rule.split("; ")
        )
    return "\n".join(lines)


def _named(raw: Any, location: tuple[int | str, ...]) -> Iterable[int | str]:
    """The location with a feature's name in place of its number."""
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            raw = None
        named = isinstance(part, int) and isinstance(raw, dict) and "name" in raw
        yield raw["name"] if named else part
