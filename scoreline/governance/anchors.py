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
    return Anchor(version, _auc(manifest))


def stale_comparison(before: Anchor | None, version: str, manifest: Mapping[str, Any]) -> str:
    """Why a version's comparison with the anchor does not count; empty where it does.

    The anchor itself needs none, nor does a recommendation, which has no AUC. Versions from before
    there were anchors were not compared.
    """
    if before is None or "anchor" not in manifest or _auc(manifest) is None:
        return ""
    compared = (manifest["anchor"] or {}).get("version")
    if before.version in (version, compared):
        return ""
    return (
        f"The version was compared with {compared or 'no other'}, but the best version that served "
        f"is {before.version} by now; train it again."
    )


def _takes_its_place(before: Anchor, compared: Mapping[str, Any] | None) -> bool:
    if not compared or compared["version"] != before.version:
        return False
    paired = compared["paired"]
    return compared["retired"] or (paired is not None and paired["difference"]["low"] > 0)


def _auc(manifest: Mapping[str, Any]) -> float | None:
    """The AUC on the version's own test rows."""
    auc = manifest.get("metrics", {}).get("auc")
    return auc.get("value") if isinstance(auc, dict) else None
