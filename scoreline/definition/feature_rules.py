"""Rules for features and derived features."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from scoreline.core.categories import comparable
from scoreline.core.contract import RESERVED_FIELDS
from scoreline.core.errors import DefinitionError
from scoreline.core.features import FLOAT32_MAX
from scoreline.definition.expression import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoreline.core.features import DerivedFeature, Feature
    from scoreline.definition.problems import Problem

CREDIT_ONLY = ("monotone", "protected", "age", "actionable")


def check_feature(feature: Feature) -> Iterable[Problem]:
    """Rules that one feature must keep."""
    yield from _check_type(feature)
    yield from _check_spellings(feature)
    yield from _check_range(feature)
    yield from _check_role(feature)
    yield from _check_actionable(feature)


def _check_type(feature: Feature) -> Iterable[Problem]:
    is_number = feature.type in ("number", "integer")
    if (feature.type == "category") != bool(feature.categories):
        yield "categories", "are needed for the type category, and only for it"
    if len(set(feature.categories)) != len(feature.categories):
        yield "categories", "a category is named twice"
    if feature.unseen == "accept" and feature.type != "category":
        yield "unseen", "is for the type category"
    if not is_number and (feature.minimum, feature.maximum) != (None, None):
        yield "minimum", "a range is for numbers"
    if not is_number and feature.special_codes:
        yield "special_codes", "are for numbers"
    if feature.type == "category" and feature.monotone:
        yield "monotone", "a category has no direction"
    if feature.age and not is_number:
        yield "age", "is a number of years"


def _check_spellings(feature: Feature) -> Iterable[Problem]:
    """Each spelling that is accepted must stand for one category."""
    if feature.type != "category" or feature.protected:
        for key in ("category_aliases", "normalize"):
            if getattr(feature, key):
                yield key, "is for categories of the model"
        return
    listed: dict[str, str] = {}
    for category in feature.categories:
        text = comparable(category, feature)
        if not text:
            yield "categories", "a category is blank"
        if listed.setdefault(text, category) != category:
            yield "normalize", f"makes {listed[text]} and {category} equal"
    for spelling, category in (feature.category_aliases or {}).items():
        text = comparable(spelling, feature)
        if category not in feature.categories:
            yield f"category_aliases.{spelling}", "must stand for a listed category"
        elif not text:
            yield f"category_aliases.{spelling}", "is blank"
        elif listed.setdefault(text, category) != category:
            yield f"category_aliases.{spelling}", f"is already a spelling of {listed[text]}"


def _check_range(feature: Feature) -> Iterable[Problem]:
    low, high = feature.range
    if low > high:
        yield "minimum", "must not be above maximum"
    if feature.type == "integer" and not all(bound == int(bound) for bound in (low, high)):
        yield "minimum", "a range of integers needs whole ends"
    # The model sees float32 numbers, where two codes, or a code and a bound, may become equal.
    codes = [_as_float32(code) for code in feature.specials]
    if len(set(codes)) != len(codes):
        yield "special_codes", "two codes are equal as float32 numbers"
    has_range = feature.minimum is not None or feature.maximum is not None
    if has_range and any(_as_float32(low) <= code <= _as_float32(high) for code in codes):
        yield "special_codes", "must lie outside the range, as float32 numbers"


def _as_float32(number: float) -> float:
    """The float32 number that is nearest; numpy is not in the package of admin."""
    return array("f", [number])[0]


def _check_role(feature: Feature) -> Iterable[Problem]:
    if feature.protected and feature.aliases:
        yield "aliases", "a protected feature is never sent"
    if feature.protected and feature.monotone:
        yield "monotone", "a protected feature is not in the model"
    if feature.online and not feature.nullable:
        yield "online", "must be nullable: a customer may have no history"
    if feature.online and (feature.protected or feature.actionable):
        yield "online", "a feature that is looked up is neither protected nor actionable"


def _check_actionable(feature: Feature) -> Iterable[Problem]:
    change = feature.actionable
    if change is None:
        return
    if feature.protected:
        yield "actionable", "a protected feature is never proposed for change"
    if feature.type == "category":
        if not change.to or not set(change.to) <= set(feature.categories):
            yield "actionable.to", "must name categories of the feature"
        if change.step:
            yield "actionable.step", "is for numbers"
        return
    if change.to:
        yield "actionable.to", "is for the type category"
    if feature.type == "boolean":
        return
    if feature.minimum is None or feature.maximum is None:
        yield "actionable", "needs a minimum and a maximum"
    if change.step <= 0 or (feature.type == "integer" and change.step != int(change.step)):
        yield "actionable.step", "must be positive, and whole for an integer"


def check_names(
    features: Sequence[Feature], derived: Sequence[DerivedFeature]
) -> Iterable[Problem]:
    """Names and aliases must be identifiers, and each must mean one feature."""
    names = Counter(feature.name for feature in features)
    names.update(feature.name for feature in derived)
    for name, count in names.items():
        if count > 1:
            yield f"features.{name}", f"is named {count} times"
        if not name.isidentifier():
            yield f"features.{name}", "must be a name of letters, digits and underscores"
        if name in RESERVED_FIELDS:
            yield f"features.{name}", "is a reserved name"
    aliases = Counter(alias for feature in features for alias in feature.aliases)
    for alias, count in aliases.items():
        if count > 1 or alias in names or alias in RESERVED_FIELDS:
            yield "features", f"the alias {alias} is already a name or an alias"


def check_derived(
    inputs: Iterable[Feature], derived: Iterable[DerivedFeature]
) -> Iterable[Problem]:
    """An expression may use numbers of the model, and derived features that come before it."""
    known = {feature.name for feature in inputs if feature.type != "category"}
    for feature in derived:
        key = f"derived.{feature.name}.expression"
        try:
            names = parse_expression(feature.expression).names
        except DefinitionError as error:
            yield key, error.message
            continue
        if isinstance(feature.undefined, float | int) and abs(feature.undefined) > FLOAT32_MAX:
            yield f"derived.{feature.name}.undefined", "is too large for the model's numbers"
        for name in sorted(names - known):
            yield key, f"{name} is not a number that is defined before it"
        known.add(feature.name)


def check_credit_only(
    features: Iterable[Feature], derived: Iterable[DerivedFeature]
) -> Iterable[Problem]:
    """Keys that mean something for credit decisions only."""
    for feature in features:
        for key in CREDIT_ONLY:
            if getattr(feature, key):
                yield f"features.{feature.name}.{key}", "is for the task default"
    for derived_feature in derived:
        if derived_feature.monotone:
            yield f"derived.{derived_feature.name}.monotone", "is for the task default"
