"""The contract of a model: everything that training and serving must agree on.

It travels as JSON in the metadata of `model.onnx`; the predict function knows nothing else about a
model. Definitions (`scoreline/definition/model.py`) consist of the same classes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, field
from hashlib import sha256
from math import log
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from scoreline.core.features import DerivedFeature, Feature
from scoreline.core.record import STRICT, record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Decision = Literal["approve", "refer", "decline"]
Task = Literal["default", "recommendation"]
# What an application with an unlearned state gets: the decision refer, no answer, or its score.
UnlearnedRule = Literal["refer", "refuse", "score"]
# Figures that a further field of an answer may hold, under the name that clients know.
CreditFigure = Literal[
    "probability_of_default",
    "predicted_default",
    "score",
    "risk_score",
    "risk_level",
    "decision",
    "model",
    "version",
    "answered_at",
]
RecommendationFigure = Literal["recommended_products", "model", "version", "answered_at"]
Figure = CreditFigure | RecommendationFigure

UNLEARNED = "unlearned"  # output of the graphs of models with unlearned states
HELD = "held"  # products that the customer of a recommendation holds
RESERVED_FIELDS = ("id", "bank", HELD)
# Fields that answers have already, in single requests or in the results of a batch.
ANSWER_FIELDS = (
    *("id", "model", "version", "probability_of_default", "probabilities", "score", "risk_score"),
    *("risk_level", "decision", "reasons", "recommendations", "unseen", "unlearned", "features"),
    *("error", "processing_time_ms"),
)


@record
class Reason:
    """An entry of the reason catalogue: a family of features that give one reason together.

    Attributes
    ----------
    code : the code in the answer
    features : features and derived features that give this reason
    text, missing : language -> consumer text; `missing` is for a value that was not given
    inquiries : this reason may be named in addition to the others (15 U.S.C. 1681g(f)(9))
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    code: str
    features: tuple[str, ...]
    text: dict[str, str]
    missing: dict[str, str] | None = None
    inquiries: bool = False


@record
class Reference:
    """The group with which applicants are compared, frozen when the model was trained.

    Attributes
    ----------
    group : marginal_approved or all_applicants, the two methods of 12 CFR 1002.9(b)(2), comment 5
    rows : size of the group
    margin, log_odds : of the group's mean contributions
    contributions : mean contribution of each source to the margin in the group
    best : lowest decile of each source's contribution over all applicants, with which approved
        applicants are compared
    values : median of each source's amount in the group, None if it has no amount
    slope : points of log-odds per unit of margin at the group's margin
    """

    group: str
    rows: int
    margin: float
    log_odds: float
    slope: float
    contributions: tuple[float, ...]
    best: tuple[float, ...]
    values: tuple[float | None, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the reference in hex."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@record
class ScoreScale:
    """Points scale: `base_score` at `base_odds` good:bad; every `pdo` points double the odds.

    Attributes
    ----------
    base_score : points at the base odds
    base_odds : odds of good to default at the base score
    pdo : points that double the odds

    References
    ----------
    Points to double the odds, Siddiqi, Credit Risk Scorecards (2006), chapter 6.

    Examples
    --------
    >>> ScoreScale().score(-log(50)), ScoreScale().score(-log(100))
    (600, 620)
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    MAX_LOG_ODDS: ClassVar[float] = 16.0

    base_score: float = 600.0
    base_odds: float = 50.0
    pdo: float = 20.0

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return self.pdo / log(2)

    def points(self, log_odds: float) -> float:
        """Score before rounding, for log-odds of default; they are clipped to +-MAX_LOG_ODDS."""
        bounded = min(max(log_odds, -self.MAX_LOG_ODDS), self.MAX_LOG_ODDS)
        return self.base_score - self.factor * (bounded + log(self.base_odds))

    def score(self, log_odds: float) -> int:
        """Score in whole points; higher is safer."""
        return round(self.points(log_odds))


@record
class Band:
    """A decision for scores of at least `min_score`; the last band has no cutoff.

    Attributes
    ----------
    decision : approve, refer or decline
    min_score : lowest score of the band, its cutoff
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    decision: Decision
    min_score: int | None = None


@record
class RiskLevel:
    """A word for probabilities of default up to `max_probability`; the last level has no bound.

    Attributes
    ----------
    name : the word in the answer
    max_probability : highest probability of default of the level
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    name: str
    max_probability: float | None = None


@record
class Label:
    """A product that may be recommended.

    Attributes
    ----------
    name : name in the answer
    description : what the product is, shown in the answer
    column : column of the dataset that is 1 if the customer owns the product; `name` by default
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    name: str
    description: str
    column: str = ""

    @property
    def dataset_column(self) -> str:
        """Name of the label's column in the dataset."""
        return self.column or self.name


@record
class Constant:
    """A field of an answer that is the same in every answer.

    Attributes
    ----------
    constant : the field's value
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    constant: str | int | float | bool


@record
class State:
    """A state that a feature or derived feature may be in.

    Attributes
    ----------
    feature : name of the feature or derived feature
    state : number, missing, undefined, not listed, true, false, or a category's or code's name
    """

    feature: str
    state: str


@record
class Contract:
    """Everything that serving needs to know about a model besides its graph.

    A task uses its own fields alone: `default` score scale, bands, risk levels, reasons (which name
    every feature and derived feature once) and reference, `recommendation` labels and top.

    Attributes
    ----------
    pipeline : the feature pipeline whose online table holds the features marked `online`, ""
        if there are no such features
    answer : further fields of an answer, under the names that the model's clients know
    unlearned : states that too few fitted rows are in, in the order of the graph's output
        `unlearned`, which says for each of them whether a row is in it
    unlearned_rule : what an application with such a state gets
    """

    model: str
    task: Task
    description: str
    features: tuple[Feature, ...]
    derived: tuple[DerivedFeature, ...] = ()
    score_scale: ScoreScale = ScoreScale()
    bands: tuple[Band, ...] = ()
    risk_levels: tuple[RiskLevel, ...] = ()
    reasons: tuple[Reason, ...] = ()
    max_reasons: int = 0
    pipeline: str = ""
    reference: Reference | None = None
    labels: tuple[Label, ...] = ()
    top: int = 0
    answer: Mapping[str, Figure | Constant] = field(default_factory=dict)
    unlearned: tuple[State, ...] = ()
    unlearned_rule: UnlearnedRule = "refer"

    def to_json(self) -> str:
        """JSON in the definition's order; the first language of a reason is the default one."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Contract:
        """Inverse of `to_json`."""
        # Contracts of earlier releases lack keys that were added since, hence `get`.
        raw = json.loads(text)
        return cls(
            **{
                **raw,
                "features": tuple(Feature.from_json(feature) for feature in raw["features"]),
                "derived": tuple(DerivedFeature(**d) for d in raw["derived"]),
                "score_scale": ScoreScale(**raw["score_scale"]),
                "bands": tuple(Band(**b) for b in raw["bands"]),
                "risk_levels": tuple(RiskLevel(**r) for r in raw["risk_levels"]),
                "reasons": tuple(
                    Reason(**{**r, "features": tuple(r["features"])}) for r in raw["reasons"]
                ),
                "reference": raw["reference"] and _reference(raw["reference"]),
                "labels": tuple(Label(**label) for label in raw.get("labels", ())),
                "answer": {
                    name: given if isinstance(given, str) else Constant(**given)
                    for name, given in raw.get("answer", {}).items()
                },
                "unlearned": tuple(State(**state) for state in raw.get("unlearned", ())),
            }
        )

    @property
    def sources(self) -> tuple[Feature | DerivedFeature, ...]:
        """The features and then the derived features: each has a contribution to the margin."""
        return (*self.features, *self.derived)

    @property
    def refers_unlearned(self) -> bool:
        """Whether the model alone decides on no applicant with an unlearned state."""
        return self.unlearned_rule != "score"

    def decide(self, score: int, *, unlearned: bool = False) -> Decision:
        """The decision of the first band whose cutoff the score reaches.

        An applicant with an unlearned state is referred, unless the definition chose the score.
        """
        if unlearned and self.refers_unlearned:
            return "refer"
        for band in self.bands:
            if band.min_score is None or score >= band.min_score:
                return band.decision
        raise AssertionError("the last band has no cutoff")

    def recommend(
        self, probabilities: Sequence[float], held: Collection[str] = ()
    ) -> list[tuple[Label, float]]:
        """The `top` labels of the highest probability that are not held, and their probabilities.

        Ties keep the order of the labels. There are fewer than `top` if nearly all are held.

        Parameters
        ----------
        probabilities : one for each label, in the order of the labels
        held : names of labels
        """
        pairs = zip(self.labels, probabilities, strict=True)
        free = [pair for pair in pairs if pair[0].name not in held]
        return sorted(free, key=lambda pair: -pair[1])[: self.top]

    def risk_level(self, probability_of_default: float) -> str:
        """The first risk level whose bound the probability does not exceed."""
        for level in self.risk_levels:
            if level.max_probability is None or probability_of_default <= level.max_probability:
                return level.name
        raise AssertionError("the last risk level has no bound")


def _reference(raw: dict[str, Any]) -> Reference:
    arrays = {key: tuple(raw[key]) for key in ("contributions", "best", "values")}
    return Reference(**{**raw, **arrays})
