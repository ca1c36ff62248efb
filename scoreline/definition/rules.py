"""What a definition must keep besides its form: each check yields "key: rule" for what is wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from numpy import float32

from scoreline.core.contract import RESERVED_FIELDS
from scoreline.core.errors import DefinitionError
from scoreline.core.versions import MODEL_PATTERN
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.definition.expression import parse_expression
from scoreline.definition.search_spaces import SPACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoreline.core.contract import Feature
    from scoreline.definition.model import Definition

DECISIONS = ("approve", "refer", "decline")
NEEDED = {"default": ("target", "bands", "risk_levels"), "recommendation": ("labels", "top")}


def problems(definition: Definition) -> list[str]:
    """Every broken rule, as "key: rule"."""
    checks = (*_CHECKS, *_CHECKS_OF_TASK[definition.task])
    return [problem for check in checks for problem in check(definition)]


def _check_task(definition: Definition) -> Iterable[str]:
    """The keys of another task would have no effect, so they are refused."""
    for task, keys in NEEDED.items():
        for key in keys:
            given = bool(getattr(definition, key))
            if given != (task == definition.task):
                yield f"{key}: is {'for' if given else 'needed for'} the task {task}"


def _check_names(definition: Definition) -> Iterable[str]:
    if not MODEL_PATTERN.fullmatch(definition.name):
        yield "name: must be lower-case words joined by hyphens"
    names = Counter(source.name for source in definition.sources)
    for name, count in names.items():
        if count > 1:
            yield f"features.{name}: is named {count} times"
        if not name.isidentifier():
            yield f"features.{name}: must be a name of letters, digits and underscores"
        if name in RESERVED_FIELDS:
            yield f"features.{name}: is a reserved name"
    aliases = Counter(alias for feature in definition.features for alias in feature.aliases)
    for alias, count in aliases.items():
        if count > 1 or alias in names or alias in RESERVED_FIELDS:
            yield f"features: the alias {alias} is a name that is taken"
    if not definition.inputs:
        yield "features: all are protected, none is left to fit"


def _check_features(definition: Definition) -> Iterable[str]:
    for feature in definition.features:
        for key, rule in _feature_problems(feature):
            yield f"features.{feature.name}.{key}: {rule}"


def _feature_problems(feature: Feature) -> Iterable[tuple[str, str]]:
    is_number = feature.type in ("number", "integer")
    if (feature.type == "category") != bool(feature.categories):
        yield "categories", "are needed for the type category, and for it alone"
    if len(set(feature.categories)) != len(feature.categories):
        yield "categories", "one is named twice"
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
    if feature.protected and feature.aliases:
        yield "aliases", "a protected feature is never sent"
    if feature.protected and feature.monotone:
        yield "monotone", "a protected feature is not in the model"
    yield from _actionable_problems(feature)
    if feature.online and not feature.nullable:
        yield "online", "must be nullable: a customer may have no history"
    if feature.online and (feature.protected or feature.actionable):
        yield "online", "what is looked up is neither protected nor actionable"
    low, high = feature.range
    if low > high:
        yield "minimum", "must not be above maximum"
    if len(set(map(float32, feature.specials))) != len(feature.specials):
        yield "special_codes", "two have the same number"
    bounded = feature.minimum is not None or feature.maximum is not None
    for code in map(float32, feature.specials):
        if bounded and float32(low) <= code <= float32(high):
            yield "special_codes", "must lie outside the range, as float32 numbers"
    if feature.type == "integer" and not all(b == int(b) for b in (low, high)):
        yield "minimum", "a range of integers has whole ends"


def _actionable_problems(feature: Feature) -> Iterable[tuple[str, str]]:
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


def _check_derived(definition: Definition) -> Iterable[str]:
    known = {f.name for f in definition.inputs if f.type != "category"}
    for derived in definition.derived:
        try:
            names = parse_expression(derived.expression).names
        except DefinitionError as error:
            yield f"derived.{derived.name}.expression: {error.message}"
            continue
        for name in sorted(names - known):
            yield f"derived.{derived.name}.expression: {name} is no number defined before it"
        known.add(derived.name)


def _check_columns(definition: Definition) -> Iterable[str]:
    features = {feature.dataset_column for feature in definition.features}
    outcomes = Counter(outcome.column for outcome in definition.outcomes)
    key = "target" if definition.target else "labels"
    for column, count in outcomes.items():
        if column in features:
            yield f"{key}: the column is a feature as well"
        if count > 1:
            yield f"{key}: the column is named {count} times"
    if definition.id in features:
        yield "id: the column is a feature as well"


def _check_pipeline(definition: Definition) -> Iterable[str]:
    if bool(definition.pipeline) != any(feature.online for feature in definition.features):
        yield "pipeline: is needed for features that are online, and for them alone"


def _check_target(definition: Definition) -> Iterable[str]:
    target = definition.target
    if target and set(target.default) & set(target.good):
        yield "target: a label is both default and good"


def _check_labels(definition: Definition) -> Iterable[str]:
    names = Counter(label.name for label in definition.labels)
    for name, count in names.items():
        if count > 1:
            yield f"labels.{name}: is named {count} times"
    if definition.top > len(definition.labels):
        yield "top: must not be above the number of labels"


def _check_no_credit(definition: Definition) -> Iterable[str]:
    """What only a decision about credit makes use of."""
    plain = type(definition).model_fields
    for key in ("tuning", "calibration", "explanation", "score", "reasons"):
        if getattr(definition, key) != plain[key].default:
            yield f"{key}: is for the task default"
    for feature in definition.features:
        for key in ("monotone", "protected", "age", "actionable"):
            if getattr(feature, key):
                yield f"features.{feature.name}.{key}: is for the task default"
    for derived in definition.derived:
        if derived.monotone:
            yield f"derived.{derived.name}.monotone: is for the task default"


def _check_trees(definition: Definition) -> Iterable[str]:
    algorithm = ALGORITHMS.get(definition.algorithm.name)
    if algorithm and (algorithm.linear or not algorithm.converts):
        yield "algorithm.name: recommendations are made by trees that a library converts"


def _check_algorithm(definition: Definition) -> Iterable[str]:
    algorithm = ALGORITHMS.get(definition.algorithm.name)
    if algorithm is None:
        yield f"algorithm.name: must be one of: {', '.join(ALGORITHMS)}"
        return
    for key, rule in algorithm.problems(definition.algorithm.parameters):
        yield f"algorithm.parameters.{key}: {rule}"
    if not definition.fits(definition.algorithm.name):
        yield f"algorithm.name: {definition.algorithm.name} cannot hold a monotone direction"


def _check_tuning(definition: Definition) -> Iterable[str]:
    space = SPACES.get(definition.algorithm.name)
    tuning = definition.tuning
    if space and tuning and not space(tuning.max_depth).keys() - definition.algorithm.parameters:
        yield "tuning: algorithm.parameters leave nothing to search"


def _check_split(definition: Definition) -> Iterable[str]:
    if (definition.split.method == "time") != bool(definition.split.column):
        yield "split.column: is needed for the method time, and for it alone"


def _check_report(definition: Definition) -> Iterable[str]:
    names = {feature.name for feature in definition.inputs}
    for name in definition.report.segments:
        if name not in names:
            yield f"report.segments: {name} is no feature of the model"
    if definition.report.segments and definition.labels:
        yield "report.segments: is for the task default"


def _check_gates(definition: Definition) -> Iterable[str]:
    gates = definition.gates
    if bool(gates.decision_time) != bool(gates.known_times):
        yield "gates.known_times: are compared with a decision_time, both are needed or none"
    if gates.min_slope > gates.max_slope:
        yield "gates.min_slope: must not be above max_slope"


def _check_score(definition: Definition) -> Iterable[str]:
    for key in ("pdo", "base_odds"):
        if getattr(definition.score, key) <= 0:
            yield f"score.{key}: must be above 0"


def _check_bands(definition: Definition) -> Iterable[str]:
    bands = definition.bands
    if not bands or bands[-1].min_score is not None:
        yield "bands: the last one must have no min_score"
    if not _falls([band.min_score for band in bands[:-1]]):
        yield "bands: every min_score must be below the one before it"
    if not _falls([-DECISIONS.index(band.decision) for band in bands]):
        yield "bands: must go from approve over refer to decline, each at most once"


def _check_levels(definition: Definition) -> Iterable[str]:
    levels = definition.risk_levels
    if not levels or levels[-1].max_probability is not None:
        yield "risk_levels: the last one must have no max_probability"
    if not _falls([level.max_probability and -level.max_probability for level in levels[:-1]]):
        yield "risk_levels: every max_probability must be above the one before it"
    if any(not 0 < (level.max_probability or 0.5) < 1 for level in levels):
        yield "risk_levels: a max_probability lies between 0 and 1"
    if len({level.name for level in levels}) != len(levels):
        yield "risk_levels: a name stands twice"


def _falls(values: Sequence[float | None]) -> bool:
    """Whether every value is there and below the one before it."""
    numbers = [value for value in values if value is not None]
    return len(numbers) == len(values) and all(a > b for a, b in pairwise(numbers))


def _check_reasons(definition: Definition) -> Iterable[str]:
    if not definition.reasons:
        return
    sources = [source.name for source in definition.model_sources]
    named = Counter(name for reason in definition.reasons for name in reason.features)
    for name in sources:
        if named[name] != 1:
            yield f"reasons: {name} must be in one reason, it is in {named[name]}"
    for name in sorted(named.keys() - set(sources)):
        yield f"reasons: {name} is no feature of the model"
    codes = Counter(reason.code for reason in definition.reasons)
    for reason in definition.reasons:
        if codes[reason.code] > 1:
            yield f"reasons.{reason.code}: the code stands twice"
        languages = definition.reasons[0].text.keys()
        texts = [reason.text, *([reason.missing] if reason.missing is not None else [])]
        if not languages or any(text.keys() != languages for text in texts):
            yield f"reasons.{reason.code}: must have the languages of the first reason"


_CHECKS = (
    _check_names,
    _check_features,
    _check_derived,
    _check_columns,
    _check_pipeline,
    _check_algorithm,
    _check_tuning,
    _check_split,
    _check_report,
    _check_gates,
    _check_task,
)
_CHECKS_OF_TASK = {
    "default": (_check_target, _check_score, _check_bands, _check_levels, _check_reasons),
    "recommendation": (_check_labels, _check_no_credit, _check_trees),
}
