"""Which requests that the champion takes a new version would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scoreline.core.contract import Contract, Feature


def breaking_changes(before: Contract, after: Contract) -> list[str]:
    """Every change that breaks a client of the contract before, as "field: what changed"."""
    return [*_changes(before, after)]


def _changes(before: Contract, after: Contract) -> Iterator[str]:
    if before.task != after.task:
        yield f"task: {after.task}, it was {before.task}"
    sent = {name: feature for feature in _sent(after) for name in (feature.name, *feature.aliases)}
    taken = {feature.name for feature in _sent(before)}
    for feature in _sent(before):
        yield from _of_feature(feature, sent)
        yield from (
            f"{alias}: is no alias any more" for alias in feature.aliases if alias not in sent
        )
    for feature in _sent(after):
        if not feature.nullable and not taken & {feature.name, *feature.aliases}:
            yield f"{feature.name}: is new and required"
    gone = {label.name for label in before.labels} - {label.name for label in after.labels}
    yield from (f"{name}: is no product any more" for name in sorted(gone))


def _sent(contract: Contract) -> list[Feature]:
    """The features that clients send."""
    return [feature for feature in contract.features if not feature.online]


def _of_feature(before: Feature, sent: Mapping[str, Feature]) -> Iterator[str]:
    after = sent.get(before.name)
    if after is None:
        yield f"{before.name}: is not taken any more"
        return
    if before.type != after.type and (before.type, after.type) != ("integer", "number"):
        yield f"{before.name}: is of type {after.type}, it was {before.type}"
        return
    if before.nullable and not after.nullable:
        yield f"{before.name}: is required now"
    if after.range[0] > before.range[0] or after.range[1] < before.range[1]:
        yield f"{before.name}: has a narrower range"
    gone = set(before.categories) - set(after.categories)
    if gone and after.unseen == "refuse":
        yield f"{before.name}: lacks {len(gone)} of its categories"
    if before.unseen == "accept" and after.unseen == "refuse":
        yield f"{before.name}: refuses categories that are not listed"
    lost = [code for code in before.specials if not _takes(after, code)]
    if lost:
        yield f"{before.name}: refuses {len(lost)} of its special codes"


def _takes(feature: Feature, value: float) -> bool:
    low, high = feature.range
    return value in feature.specials or low <= value <= high
