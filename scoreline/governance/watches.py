"""Watches new champions: a champion that breaks a limit of its watch is rolled back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self, cast

from scoreline.aws.items import Items
from scoreline.core.errors import ScorelineError, VersionRefusedError
from scoreline.core.log import logger
from scoreline.core.versions import watch_key
from scoreline.governance.entry import SERVICE
from scoreline.governance.figures import Figures, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.api.operations_answers import WatchFigures, WatchLimits, WatchState
    from scoreline.core.versions import Pointer, Watch
    from scoreline.governance.entry import Action, Entry
    from scoreline.governance.promotion import Promotions

ENDED: dict[Action, Literal["confirmed", "rolled back", "replaced"]] = {
    "confirm": "confirmed",
    "rollback": "rolled back",
    "promote": "replaced",
}


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of all models: the ledger says which are open, and predict counts in them.

    As at every promotion, the pointer follows the ledger: what fails between the two is completed
    by the next check.
    """

    promotions: Promotions
    items: Items
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def connect(cls, promotions: Promotions) -> Self:
        """Connect with the credentials and the region of the environment."""
        return cls(promotions, Items.connect())

    def check(self) -> None:
        """Check every model whose pointer names a watch; the next call repeats failed checks."""
        for model, pointer in self.promotions.registry.pointers().items():
            if pointer is not None and pointer.watch is not None:
                try:
                    self._check(model, pointer, pointer.watch)
                except ScorelineError as error:
                    logger.warning("watch not checked", model=model, problem=error.message)

    def show(self, model: str) -> WatchState | None:
        """The latest watch of a model and its state; None where there has been no watch."""
        entries = self.promotions.ledger.history(model)
        for place in reversed(range(len(entries))):
            entry, later = entries[place], entries[place + 1 :]
            if entry.watch is not None:
                limits = self._limits(model, entry.champion.version)
                return {
                    "version": entry.champion.version,
                    "shadow": entry.watch.shadow.version,
                    "since": entry.at,
                    "until": entry.watch.until,
                    "state": ENDED[later[0].action] if later else "open",
                    "limits": cast("WatchLimits", asdict(limits)),
                    "figures": cast("WatchFigures", asdict(self._figures(model, entry.watch))),
                }
        return None

    def _check(self, model: str, pointer: Pointer, watch: Watch) -> None:
        head = self.promotions.ledger.head(model)
        if head is None:
            return
        if head.watch is None or head.watch.entry != watch.entry:
            self.promotions.complete(model, head)  # the watch has ended in the ledger already
        elif head.champion == pointer.champion:  # else somebody has written the pointer by hand
            self._judge(model, head, watch)

    def _judge(self, model: str, head: Entry, watch: Watch) -> None:
        version = head.champion.version
        figures, limits = self._figures(model, watch), self._limits(model, version)
        broken = limits.broken_by(figures)
        if broken:
            logger.warning("rolled back", model=model, version=version, problem=broken)
            reason = f"watch: {broken}; {figures}"
            self.promotions.rollback(model, who=SERVICE, reason=reason, expected=version)
        elif self.clock() >= datetime.fromisoformat(watch.until):
            reason = f"watched for {limits.minutes:g} minutes: {figures}"
            reason += "" if limits.has_enough(figures) else "; too few to judge"
            self.promotions.confirm(model, head, who=SERVICE, reason=reason)

    def _limits(self, model: str, version: str) -> Limits:
        try:
            return Limits(**self.promotions.registry.manifest(model, version)["watch"])
        except (KeyError, TypeError):
            raise VersionRefusedError(f"{version}: the manifest has no watch") from None

    def _figures(self, model: str, watch: Watch) -> Figures:
        table = self.promotions.registry.settings.watches_table
        return Figures.from_counts(self.items.get_item(table, watch_key(model, watch)))
