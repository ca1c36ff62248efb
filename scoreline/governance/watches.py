"""Looks after new champions: one that breaks its guards in the watch window is rolled back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import boto3

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors
from scoreline.core.errors import ScorelineError, VersionRefusedError
from scoreline.core.log import logger
from scoreline.core.versions import watch_key
from scoreline.governance.automatic import SERVICE
from scoreline.governance.figures import Figures, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.core.settings import Settings
    from scoreline.core.versions import Pointer, Watch
    from scoreline.governance.promotion import Promotions

OPEN = "open"
ENDED = {"confirm": "confirmed", "rollback": "rolled back", "promote": "replaced"}


@dataclass(frozen=True, slots=True)
class Watches:
    """The watch windows: the ledger says which are open, predict counts, and here they are ended.

    The pointer follows the ledger as at every promotion: what breaks off between the two is
    finished at the next look.
    """

    promotions: Promotions
    table: Table
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def connect(cls, settings: Settings, promotions: Promotions) -> Self:
        """With a client from the usual AWS environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(promotions, resource.Table(settings.watches_table))

    def check(self) -> None:
        """Look at every model whose pointer names a watch; what fails is tried at the next look."""
        for model, pointer in self.promotions.registry.pointers().items():
            if pointer is not None and pointer.watch is not None:
                try:
                    self._check(model, pointer, pointer.watch)
                except ScorelineError as error:
                    logger.warning("watch not checked", model=model, problem=error.message)

    def show(self, model: str) -> dict[str, Any] | None:
        """The latest watch of a model, how it stands or ended; None where there was none."""
        entries = self.promotions.ledger.history(model)
        for place in reversed(range(len(entries))):
            entry, later = entries[place], entries[place + 1 :]
            if entry.watch is not None:
                return {
                    "version": entry.champion.version,
                    "shadow": entry.watch.shadow.version,
                    "since": entry.at,
                    "until": entry.watch.until,
                    "state": ENDED[later[0].action] if later else OPEN,
                    "limits": asdict(self._limits(model, entry.champion.version)),
                    "figures": asdict(self._figures(model, entry.watch)),
                }
        return None

    def _check(self, model: str, pointer: Pointer, watch: Watch) -> None:
        head = self.promotions.ledger.head(model)
        if head is None or head.watch is None or head.watch.entry != watch.entry:
            self.promotions.finish(model)
        elif head.champion == pointer.champion:  # another one was put there by hand
            self._judge(model, head.champion.version, watch)

    def _judge(self, model: str, version: str, watch: Watch) -> None:
        figures = self._figures(model, watch)
        limits = self._limits(model, version)
        broken = limits.broken_by(figures)
        if broken:
            logger.warning("rolled back", model=model, version=version, problem=broken)
            reason = f"watch: {broken}; {figures}"
            self.promotions.rollback(model, who=SERVICE, reason=reason, expected=version)
        elif self.clock() >= datetime.fromisoformat(watch.until):
            reason = f"watched for {limits.minutes:g} minutes: {figures}"
            reason += "" if limits.has_enough(figures) else "; too few to judge"
            self.promotions.confirm(model, who=SERVICE, reason=reason, expected=version)

    def _limits(self, model: str, version: str) -> Limits:
        try:
            return Limits(**self.promotions.registry.manifest(model, version)["watch"])
        except (KeyError, TypeError):
            raise VersionRefusedError(f"{version}: the manifest has no watch") from None

    def _figures(self, model: str, watch: Watch) -> Figures:
        with aws_errors("DynamoDB"):
            answer = self.table.get_item(Key=watch_key(model, watch), ConsistentRead=True)
        return Figures.of(answer.get("Item", {}))
