"""A model's definition: the TOML file that a data scientist writes, checked when it is loaded."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import to_json

from scoreline.core.contract import (
    Band,
    Contract,
    Label,
    Reason,
    RiskLevel,
    ScoreScale,
    Task,
    UnlearnedRule,
)
from scoreline.core.features import DerivedFeature, Feature
from scoreline.core.versions import digest
from scoreline.definition import decision_rules, feature_rules, rules
from scoreline.definition.algorithm_tables import Algorithm, AnyAlgorithm, TreeAlgorithm
from scoreline.definition.economics import Economics, check_economics
from scoreline.definition.gate_settings import GateSettings
from scoreline.definition.problems import checked_by, refuse_problems
from scoreline.definition.splits import RandomSplit, Split
from scoreline.definition.tables import (
    CalibrationSettings,
    CheckedTarget,
    CreditAnswerFields,
    CreditReportSettings,
    Explanation,
    RecommendationAnswerFields,
    ReportSettings,
    Table,
    Tuning,
    WatchSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scoreline.core.contract import Reference
    from scoreline.definition.problems import Problem

# Digests hash the keys in this order, which must not change; a new key goes to the end.
DIGEST_KEYS = (
    *("name", "description", "task", "dataset", "pipeline", "id", "target", "labels", "top"),
    *("algorithm", "promotion", "watch", "tuning", "split", "gates", "calibration"),
    *("explanation", "score", "bands", "risk_levels", "features", "derived", "reasons", "report"),
    *("answer", "group", "weight", "economics", "min_state_rows", "unlearned"),
)

CheckedFeature = Annotated[Feature, checked_by(feature_rules.check_feature)]


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column to learn: the texts that mean that the event happened, and that it did not.

    Rows with an ignored text are left out.
    """

    column: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    ignored: tuple[str, ...] = ()


class Definition(Table):
    """The keys and properties that definitions of both tasks share.

    Attributes
    ----------
    name : the model's name, which is also the file's name
    description : one line on what the model predicts, shown where models are listed
    task : what the model answers: a probability of default, or the products to recommend
    dataset : where the rows are, `s3://BUCKET/KEY` or a key that starts with `datasets/`
    pipeline : the feature pipeline whose table holds the features that are marked `online`
    id : column that identifies a row: equal rows of an id count once, and rows that differ stop the
        training
    group : column of what several rows may share, such as the customer; its rows stay on one side
        of every split
    weight : column of a number above 0: how many rows of the population a row stands for, in
        fitting, calibration and every figure
    algorithm : the learning algorithm
    promotion : whether a version that passes all gates is promoted by hand, or at once if its AUC
        is also shown to be higher than the champion's
    watch : how a new champion is watched after its promotion
    split : how test rows are held out
    gates : what a version must reach to be promoted
    features : the fields of an application, in the order of the model's input
    derived : features that are computed from others, inside the model
    min_state_rows : fewest training rows that teach the model a state of a feature: a number, a
        category, a missing or an undefined value, a special code; with fewer it is unlearned
    unlearned : what an application with an unlearned state gets: the decision refer, a refusal
        that names field and state, or the decision of its score; a recommendation that is not
        refused names the fields alone
    report : what the report says about the model's use
    """

    name: Annotated[str, checked_by(rules.check_name)]
    description: str
    task: Task
    dataset: str
    pipeline: str = ""
    id: str = ""
    group: str = ""
    weight: str = ""
    algorithm: Algorithm
    promotion: Literal["manual", "automatic"] = "manual"
    watch: WatchSettings = WatchSettings()
    split: Split = RandomSplit()
    gates: GateSettings = GateSettings()
    features: Annotated[tuple[CheckedFeature, ...], Field(min_length=1)]
    derived: tuple[DerivedFeature, ...] = ()
    min_state_rows: Annotated[int, Field(ge=1)] = 20
    unlearned: UnlearnedRule = "refer"
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse_problems(self._problems())
        return self

    def _problems(self) -> Iterable[Problem]:
        """Broken rules between the tables."""
        yield from feature_rules.check_names(self.features, self.derived)
        if not self.inputs:
            yield "features", "all are protected, so the model has no input"
        yield from feature_rules.check_derived(self.inputs, self.derived)
        columns = {key: [t.column for t in targets] for key, targets in self._targets().items()}
        yield from rules.check_columns(self.features, columns)
        yield from rules.check_units(self.features, self.id, self.group)
        times = {f"gates.known_times.{column}": column for column in self.gates.known_times}
        others = {
            "id": self.id,
            "group": self.group,
            "split.column": self.split.column,
            "split.observed_at": self.split.observed_column,
            "gates.decision_time": self.gates.decision_time,
            **times,
        }
        yield from rules.check_outcomes([*chain(*columns.values())], others)
        yield from rules.check_weight(
            self.weight, self.features, [*chain(*columns.values()), self.id, self.group]
        )
        yield from rules.check_pipeline(self.pipeline, self.features)
        yield from rules.check_directions(self.algorithm.name, self.sources)

    @abstractmethod
    def _targets(self) -> Mapping[str, Sequence[TargetColumn]]:
        """Key of the definition -> the columns to learn."""

    @property
    def targets(self) -> tuple[TargetColumn, ...]:
        """The columns to learn: the default, or for every product whether the customer owns it."""
        return tuple(target for targets in self._targets().values() for target in targets)

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
    def digest(self) -> str:
        """SHA-256 of the definition's content, independent of comments and layout.

        Values that equal their default do not count, so a key that a later release adds changes
        no digest.
        """
        dumped = self.model_dump(mode="json", exclude_defaults=True)
        return digest(to_json({key: dumped[key] for key in DIGEST_KEYS if key in dumped}))

    def contract(self) -> Contract:
        """The part of the definition that travels in the model."""
        return Contract(
            model=self.name,
            task=self.task,
            description=self.description,
            features=self.inputs,
            derived=self.derived,
            unlearned_rule=self.unlearned,
        )

    def with_parameters(self, parameters: Mapping[str, Any]) -> Self:
        """The same definition with parameters of the algorithm in place of its own."""
        changed = {"parameters": {**self.algorithm.parameters, **parameters}}
        return self.model_copy(update={"algorithm": self.algorithm.model_copy(update=changed)})


class DefaultDefinition(Definition):
    """A credit model: it predicts the probability of default and decides.

    Attributes
    ----------
    target : the column that holds the outcome
    tuning : a search for the algorithm's parameters before the model is fitted
    calibration : what the probabilities are calibrated to
    explanation : how reasons are found
    score : the scale of the points
    bands : decision for each range of scores, from approve to decline
    risk_levels : a word for each range of probabilities, from the lowest
    reasons : the reason catalogue; without one each feature is a reason in its own words
    answer : further fields of an answer: name that clients know -> a figure, or a constant
    economics : what loans earn and cost, for the profit at each cutoff in report and `compare`
    """

    task: Literal["default"] = "default"
    target: CheckedTarget
    algorithm: AnyAlgorithm
    tuning: Tuning | None = None
    calibration: CalibrationSettings = CalibrationSettings()
    explanation: Explanation = Explanation()
    score: Annotated[ScoreScale, checked_by(decision_rules.check_score)] = ScoreScale()
    bands: Annotated[tuple[Band, ...], Field(min_length=1), checked_by(decision_rules.check_bands)]
    risk_levels: Annotated[
        tuple[RiskLevel, ...], Field(min_length=1), checked_by(decision_rules.check_risk_levels)
    ]
    reasons: tuple[Reason, ...] = ()
    report: CreditReportSettings = CreditReportSettings()
    answer: CreditAnswerFields = Field(default={})
    economics: Economics | None = None

    def _problems(self) -> Iterable[Problem]:
        yield from super()._problems()
        sources = [source.name for source in self.model_sources]
        yield from decision_rules.check_reasons(self.reasons, sources)
        yield from rules.check_segments(self.report.segments, self.inputs)
        if self.economics is not None:
            others = [self.target.column, self.id, self.group, self.weight]
            yield from check_economics(self.economics, self.features, others)
        if self.tuning is not None:
            algorithm = self.algorithm
            yield from rules.check_tuning(
                algorithm.name, algorithm.parameters, self.tuning.max_depth
            )

    def _targets(self) -> Mapping[str, Sequence[TargetColumn]]:
        target = self.target
        return {"target": [TargetColumn(target.column, target.default, target.good, target.ignore)]}

    def contract(self, reference: Reference | None = None) -> Contract:
        """The part of the definition that travels in the model, with its reference group."""
        return replace(
            super().contract(),
            score_scale=self.score,
            bands=self.bands,
            risk_levels=self.risk_levels,
            reasons=self.reasons or tuple(self._plain_reasons()),
            max_reasons=self.explanation.max_reasons,
            pipeline=self.pipeline,
            reference=reference,
            answer=self.answer,
        )

    def _plain_reasons(self) -> Iterable[Reason]:
        """A catalogue for a definition without one: a reason for each source, in its own words."""
        for number, source in enumerate(self.model_sources, start=1):
            text = {"en": source.description or source.name}
            yield Reason(code=f"R{number:02d}", features=(source.name,), text=text)


class RecommendationDefinition(Definition):
    """A recommendation: it ranks the products that a customer does not hold.

    Attributes
    ----------
    labels : the products
    top : number of products in an answer
    answer : further fields of an answer: name that clients know -> a figure, or a constant
    """

    task: Literal["recommendation"]
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
    top: Annotated[int, Field(ge=1)]
    algorithm: TreeAlgorithm
    answer: RecommendationAnswerFields = Field(default={})

    def _problems(self) -> Iterable[Problem]:
        yield from super()._problems()
        yield from rules.check_labels(self.labels, self.top)
        yield from feature_rules.check_credit_only(self.features, self.derived)
        if self.weight:
            yield "weight", "is for the task default"

    def _targets(self) -> Mapping[str, Sequence[TargetColumn]]:
        columns = [label.dataset_column for label in self.labels]
        return {"labels": [TargetColumn(c, ("1", "true"), ("0", "false")) for c in columns]}

    def contract(self) -> Contract:
        """The part of the definition that travels in the model."""
        contract = super().contract()
        return replace(contract, labels=self.labels, top=self.top, answer=self.answer)


AnyDefinition = Annotated[DefaultDefinition | RecommendationDefinition, Field(discriminator="task")]
