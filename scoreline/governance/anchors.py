"""The anchor of a model: the best version that ever served, which later versions are held to.

If each version were compared with the champion before it alone, many small losses could add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.api.operations_answers import AnchorVersion


@dataclass(frozen=True, slots=True)
class Anchor:
    """The version, and its AUC on its own test rows; None where its manifest has no AUC."""

    version: str
    auc: float | None

    def to_json(self) -> AnchorVersion:
        """The anchor as the API shows it."""
        return {"version": self.version, "auc": self.auc}

    def to_item(self) -> dict[str, object]:
        """The anchor as the ledger table keeps it."""
        return {
            "version": self.version,
            "auc": None if self.auc is None else Decimal(str(self.auc)),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Inverse of `to_item`."""
        return cls(item["version"], None if item["auc"] is None else float(item["auc"]))


def next_anchor(before: Anchor | None, version: str, manifest: Mapping[str, Any]) -> Anchor:
    """The anchor once a version is promoted.

    The version takes its place only if it was shown to be better, or if the former anchor can no
    longer score the rows of this model. If a higher AUC were enough, luck would move the anchor.
    """
    if before is not None and not _takes_its_place(before, manifest.get("anchor")):
        return before
    auc = manifest.get("metrics", {}).get("auc")
    return Anchor(version, auc.get("value") if isinstance(auc, dict) else None)


def stale_comparison(before: Anchor | None, version: str, manifest: Mapping[str, Any]) -> str:
    """Why a version's comparison with the anchor does not count; empty where it does.

    The anchor itself needs none. Versions from before there were anchors were not compared.
    """
    compared = manifest.get("anchor")
    if before is None or not compared or before.version in (version, compared["version"]):
        return ""
    return (
        f"The version was compared with {compared['version']}, but the best version that served "
        f"is {before.version} by now; train it again."
    )


def _takes_its_place(before: Anchor, compared: Mapping[str, Any] | None) -> bool:
    if not compared or compared["version"] != before.version:
        return False
    paired = compared["paired"]
    return compared["retired"] or (paired is not None and paired["difference"]["low"] > 0)
