"""Changes of the schema that make a version refuse requests that the champion accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.core.contract import Contract
    from scoreline.core.features import Feature


def breaking_changes(before: Contract, after: Contract) -> list[str]:
    """Every change that breaks a client of the old contract, as "field: what changed"."""
    return [*_changes(before, after)]


def _changes(before: Contract, after: Contract) -> Iterator[str]:
    if before.task != after.task:
        yield f"task: changes from {before.task} to {after.task}"
    sent = {name: feature for feature in _sent(after) for name in (feature.name, *feature.aliases)}
    accepted = {feature.name for feature in _sent(before)}
    for feature in _sent(before):
        yield from _feature_changes(feature, sent)
        yield from (
            f"{alias}: is no longer an alias" for alias in feature.aliases if alias not in sent
        )
    for feature in _sent(after):
        if not feature.nullable and not accepted & {feature.name, *feature.aliases}:
            yield f"{feature.name}: is new and required"
    removed = {label.name for label in before.labels} - {label.name for label in after.labels}
    yield from (f"{name}: is no longer a product" for name in sorted(removed))
    already = set(before.unlearned) if before.unlearned_rule == "refuse" else set()
    if after.unlearned_rule == "refuse":
        for state in after.unlearned:
            if state not in already:
                yield f"{state.feature}: refuses the state {state.state}, which is unlearned"


def _sent(contract: Contract) -> list[Feature]:
    """The features that clients send."""
    return [feature for feature in contract.features if not feature.online]


def _feature_changes(before: Feature, sent: Mapping[str, Feature]) -> Iterator[str]:
    after = sent.get(before.name)
    if after is None:
        yield f"{before.name}: is no longer accepted"
        return
    # An integer is a valid number, so this change of type breaks no client.
    if before.type != after.type and (before.type, after.type) != ("integer", "number"):
        yield f"{before.name}: changes its type from {before.type} to {after.type}"
        return
    if before.nullable and not after.nullable:
        yield f"{before.name}: is now required"
    if after.range[0] > before.range[0] or after.range[1] < before.range[1]:
        yield f"{before.name}: has a narrower range"
    removed = set(before.categories) - set(after.categories)
    if removed and after.unseen == "refuse":
        yield f"{before.name}: loses {len(removed)} of its categories"
    if before.unseen == "accept" and after.unseen == "refuse":
        yield f"{before.name}: refuses categories that are not listed"
    lost = [code for code in before.specials if not _accepts(after, code)]
    if lost:
        yield f"{before.name}: refuses {len(lost)} of its special codes"


def _accepts(feature: Feature, value: float) -> bool:
    low, high = feature.range
    return value in feature.specials or low <= value <= high
