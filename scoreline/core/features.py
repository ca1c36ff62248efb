"""The features of a model: the fields of an application, and those derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from scoreline.core.record import STRICT, record

if TYPE_CHECKING:
    from collections.abc import Mapping

FeatureType = Literal["number", "integer", "boolean", "category"]
Monotone = Literal["increasing", "decreasing"]
FLOAT32_MAX = 3.4028234663852886e38
# Range of an amount without a defined range: products of two amounts still fit float32.
MAX_AMOUNT = 1e15
UNSEEN_CATEGORY = -1.0


@record
class Actionable:
    """How an applicant can change a feature: an amount by steps, a category to others.

    Attributes
    ----------
    direction : the way in which an applicant can move an amount
    step : size of a step of an amount, in its unit
    to : categories that an applicant can change to
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    direction: Literal["increase", "decrease", "either"] = "either"
    step: float = 0.0
    to: tuple[str, ...] = ()


@record
class Feature:
    """One field of an application, as the client sends it.

    Attributes
    ----------
    name : name in the application, and in derived features
    type : number, integer, boolean (0 and 1 in the model) or category (a string)
    unit : unit of the amount, shown with it
    description : what the feature is, shown in schema and report
    nullable : the field may be null or absent; otherwise it is required
    minimum : lowest amount, itself allowed; special codes lie outside the range
    maximum : highest amount, itself allowed
    categories : the strings that a category takes, in the order of their codes; where all of them
        are whole numbers, the numbers are taken too
    category_aliases : other spelling -> listed category, e.g. { LLEIDA = "LERIDA" }
    normalize : `case and spaces` compares categories without regard to case and extra spaces
    unseen : what serving does with a value that is no spelling of a listed category
    special_codes : meaning -> number, e.g. { no_bureau_record = -99 }: states, not amounts
    monotone : how the probability of default moves as the value rises
    protected : never in the model nor in requests; kept for the fairness report
    age : the applicant's age in years, which must not count against applicants of 62 and more
    actionable : how the applicant can change it, for what-if proposals
    online : looked up by customer in the table of the model's pipeline, never sent
    column : name in the dataset, where it differs from `name`
    aliases : other names under which clients may send it
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    name: str
    type: FeatureType
    unit: str = ""
    description: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    unseen: Literal["refuse", "accept"] = "refuse"
    special_codes: dict[str, float] | None = None
    monotone: Monotone | None = None
    protected: bool = False
    age: bool = False
    actionable: Actionable | None = None
    online: bool = False
    column: str = ""
    aliases: tuple[str, ...] = ()
    category_aliases: dict[str, str] | None = None
    normalize: Literal["case and spaces"] | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Feature:
        """Inverse of `asdict`, also for features of earlier releases, which lack some keys."""
        actionable = raw["actionable"]
        if actionable is not None:
            actionable = Actionable(**{**actionable, "to": tuple(actionable["to"])})
        # JSON has lists where records have tuples.
        lists = {key: tuple(raw.get(key, ())) for key in ("categories", "aliases")}
        return cls(**{**raw, **lists, "actionable": actionable})

    @property
    def dataset_column(self) -> str:
        """Name of the feature's column in the dataset."""
        return self.column or self.name

    @property
    def range(self) -> tuple[float, float]:
        """Closed range of the number, +-MAX_AMOUNT if the definition has no range."""
        if self.type == "boolean":
            return 0.0, 1.0
        return (
            -MAX_AMOUNT if self.minimum is None else self.minimum,
            MAX_AMOUNT if self.maximum is None else self.maximum,
        )

    @property
    def specials(self) -> tuple[float, ...]:
        """The special codes as numbers, in the order of the definition."""
        return tuple((self.special_codes or {}).values())


@record
class DerivedFeature:
    """A feature computed in the graph: + - * / **, log, exp on features and derived ones.

    Attributes
    ----------
    name : name in expressions that follow, in reasons and in the report
    expression : arithmetic on numbers of the model, and on derived features that come before it
    unit : unit of the amount, shown with it
    description : what the feature is, shown in schema and report
    monotone : how the probability of default moves as the value rises
    undefined : what it means that the expression has no value though its features have: a number
        that takes its place, or missing
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    name: str
    expression: str
    unit: str = ""
    description: str = ""
    monotone: Monotone | None = None
    undefined: float | Literal["missing"] | None = None
