"""Promotes versions that need nobody's approval as soon as they are published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    VersionNotFoundError,
    VersionRefusedError,
    VersionRejectedError,
)
from scoreline.core.log import logger
from scoreline.governance.entry import SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.governance.entry import Entry
    from scoreline.governance.promotion import Promotions

REASON = "automatic: all gates passed"


def promote_published(promotions: Promotions, model: str, version: str) -> Entry | None:
    """Promote a new version if its manifest allows it; None if the champion stays.

    A version has to be shown to be better than the champion that it replaces. Calls may be repeated
    and may come in any order. A version that was the champion before does not become it again, even
    if it was rolled back, and no version replaces a newer one.

    Raises
    ------
    PromotionConflictError
        Another promotion came first; the call is worth repeating.
    """
    try:
        manifest = promotions.registry.manifest(model, version)
        if manifest.get("promotion") != "automatic":
            return None
        entries = promotions.ledger.history(model)
        head = entries[-1] if entries else None
        # The id of a version sorts by its time.
        if all(entry.champion.version < version for entry in entries):
            if head is not None and not _is_better(manifest, head.champion.version):
                logger.info("not promoted: not shown to be better", model=model, version=version)
                return None
            return promotions.replace_champion(
                model, version, manifest, head=head, who=SERVICE, reason=REASON
            )
        if _is_incomplete(promotions, model, version, entries[-1]):
            return promotions.promote(model, version, who=SERVICE, reason=REASON)
        logger.info("not promoted: not newer", model=model, version=version)
    except (VersionNotFoundError, VersionRefusedError, VersionRejectedError) as error:
        logger.warning("not promoted", model=model, version=version, problem=error.message)
    return None


def _is_better(manifest: Mapping[str, Any], champion: str) -> bool:
    """Whether the AUC is shown to be higher than that of this champion, on the same rows."""
    paired = manifest.get("comparison") or {"champion": None}
    return bool(paired["champion"] == champion and paired["difference"]["low"] > 0)


def _is_incomplete(promotions: Promotions, model: str, version: str, head: Entry) -> bool:
    """Whether the ledger names the version, but its promotion failed before the pointer."""
    if head.champion.version != version:
        return False
    _, pointer_writes = promotions.registry.serving(model)
    return pointer_writes == head.pointer_writes
