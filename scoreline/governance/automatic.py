"""Promotes the versions that wait for nobody, as soon as they are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoreline.core.errors import (
    VersionNotFoundError,
    VersionRefusedError,
    VersionRejectedError,
)
from scoreline.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoreline.governance.ledger import Entry
    from scoreline.governance.promotion import Promotions

SERVICE = "scoreline"  # who, in the ledger, where nobody asked; every person there is an ARN
REASON = "automatic: all gates passed"


@dataclass(frozen=True, slots=True)
class AutomaticPromotions:
    """Does for definitions of `promotion = "automatic"` what people do for the others."""

    promotions: Promotions

    def published(self, model: str, version: str) -> Entry | None:
        """Promote a new version whose manifest says so; None where it stays as it is.

        Told again, or after a newer version, nothing moves: what was promoted once, and perhaps
        rolled back, does not come back by itself, and no version replaces a newer one.

        Raises
        ------
        PromotionConflictError
            Another promotion came between; worth another try.
        """
        try:
            manifest = self.promotions.registry.manifest(model, version)
            if manifest.get("promotion") != "automatic":
                return None
            entries = self.promotions.ledger.history(model)
            if not self._is_next(model, version, entries):
                logger.info("not promoted: not newer", model=model, version=version)
                return None
            before = entries[-1].champion.version if entries else ""
            return self.promotions.promote(
                model, version, who=SERVICE, reason=REASON, expected=before
            )
        except (VersionNotFoundError, VersionRefusedError, VersionRejectedError) as error:
            logger.warning("not promoted", model=model, version=version, problem=error.message)
            return None

    def _is_next(self, model: str, version: str, entries: Sequence[Entry]) -> bool:
        """Whether the version is newer than all before, or its promotion broke off."""
        if all(entry.champion.version < version for entry in entries):
            return True
        writes, head = self.promotions.registry.pointer_writes(model), entries[-1]
        return head.champion.version == version and head.pointer_writes == writes
