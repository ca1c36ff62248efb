"""Promotion and rollback: verify the version, write the ledger, then let the pointer follow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from scoreline.core.errors import (
    FourEyesError,
    PromotionConflictError,
    VersionRefusedError,
    VersionRejectedError,
)
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef
from scoreline.governance.anchors import next_anchor, stale_comparison
from scoreline.governance.entry import anchor_with, champion_before, next_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scoreline.aws.ledger import Ledger
    from scoreline.aws.registry import ModelRegistry
    from scoreline.governance.anchors import Anchor
    from scoreline.governance.entry import Entry

    # (model, version) -> SHA-256 of its model.onnx, or an error
    Verify = Callable[[str, str], str]

APPROVAL = "approval"  # in an entry's override, beside the names of failed gates


@dataclass(frozen=True, slots=True)
class Promotions:
    """Changes champions. The ledger decides who wins; the pointer follows the ledger."""

    registry: ModelRegistry
    ledger: Ledger[Entry]
    verify: Verify

    def promote(
        self,
        model: str,
        version: str,
        *,
        who: str,
        reason: str,
        expected: str | None = None,
        override: bool = False,
    ) -> Entry:
        """Make a version the champion; returns the ledger's head once the pointer follows it.

        Promoting the champion again adds no entry and writes the pointer again. This completes a
        promotion that failed between ledger and pointer, and undoes a manual change of the pointer.

        Parameters
        ----------
        expected : the champion that the caller wants to replace, empty for the first promotion
        override : promote a version that failed gates or that the caller trained; the entry names
            the gates, and `approval`

        Raises
        ------
        VersionNotFoundError, VersionRefusedError, VersionRejectedError, FourEyesError
            Nothing has changed.
        PromotionConflictError
            The champion is not `expected`, or another promotion came first.
        RegistryUnavailableError
            AWS does not answer; the message says if the ledger has the promotion already.
        """
        head = self.ledger.head(model)
        if head is None or head.champion.version != version:
            _check_expected(head, expected)
            manifest = self.registry.manifest(model, version)
            return self.replace_champion(
                model, version, manifest, head=head, who=who, reason=reason, override=override
            )
        if expected != head.previous:  # a repeated request still names the former champion
            _check_expected(head, expected)
        self._verify(model, head.champion, "the ledger")
        pointer, _ = self.registry.serving(model)
        return self._follow(model, head, pointer)

    def replace_champion(
        self,
        model: str,
        version: str,
        manifest: Mapping[str, Any],
        *,
        head: Entry | None,
        who: str,
        reason: str,
        override: bool = False,
    ) -> Entry:
        """Promote a version over the champion of `head`; errors as in `promote`."""
        anchor = head.best if head else None
        failed = _failed_gates(version, manifest, anchor)
        overridden = _check_gates(version, manifest, failed, who, override=override)
        champion = VersionRef(version, _model_digest(manifest))
        self._verify(model, champion, "its manifest")
        # Counted before the append: `complete` sees from it whether the pointer was written since.
        pointer, pointer_writes = self.registry.serving(model)
        entry = next_entry(
            head,
            "promote",
            champion,
            who=who,
            reason=reason,
            pointer_writes=pointer_writes,
            anchor=next_anchor(anchor, version, manifest),
            override=overridden,
            watch_minutes=manifest.get("watch", {}).get("minutes", 0),
        )
        return self._append(model, entry, pointer)

    def rollback(self, model: str, *, who: str, reason: str, expected: str | None = None) -> Entry:
        """Return to the champion before the present one; errors as in `promote`.

        The ledger says which version that is, whatever the pointer says. One case is different: the
        version that the last rollback removed still serves, or serves again. If nobody has written
        the pointer since, that rollback failed before the pointer and is completed without a new
        entry. If somebody has written it by hand, the version is removed once more, and the new
        entry says who did so and why.
        """
        entries = self.ledger.history(model)
        head = entries[-1] if entries else None
        pointer, pointer_writes = self.registry.serving(model)
        if (
            head is not None
            and head.action == "rollback"
            and pointer is not None
            and pointer.champion.version == head.previous
        ):
            if expected != head.previous:
                _check_expected(head, expected)
            self._verify(model, head.champion, "the ledger")
            if pointer_writes == head.pointer_writes:
                return self._follow(model, head, pointer)
            champion = head.champion
        else:
            _check_expected(head, expected)
            champion = champion_before(entries)
            self._verify(model, champion, "the ledger")
        entry = next_entry(
            head,
            "rollback",
            champion,
            who=who,
            reason=reason,
            pointer_writes=pointer_writes,
            anchor=anchor_with(entries, champion),
        )
        return self._append(model, entry, pointer)

    def confirm(self, model: str, head: Entry, *, who: str, reason: str) -> Entry:
        """End the watch that `head` began and keep its champion; errors as in `promote`."""
        if head.watch is None:
            raise PromotionConflictError("no watch is open")
        pointer, pointer_writes = self.registry.serving(model)
        entry = next_entry(
            head,
            "confirm",
            head.champion,
            who=who,
            reason=reason,
            pointer_writes=pointer_writes,
            anchor=head.anchor,
        )
        return self._append(model, entry, pointer)

    def complete(self, model: str, head: Entry) -> None:
        """Let the pointer follow `head`, unless somebody has written it since that entry."""
        pointer, pointer_writes = self.registry.serving(model)
        if pointer_writes == head.pointer_writes:
            self._follow(model, head, pointer)

    def _verify(self, model: str, champion: VersionRef, source: str) -> None:
        """Refuse a version that predict cannot serve or whose file is not the one of `source`."""
        # Predict reports the file that it loaded, which may have been replaced since it was judged.
        if self.verify(model, champion.version) != champion.sha256:
            problem = f"{MODEL_FILE} is not the one that {source} names"
            raise VersionRefusedError(f"{champion.version}: {problem}")

    def _append(self, model: str, entry: Entry, pointer: Pointer | None) -> Entry:
        if not self.ledger.append(model, entry):
            raise PromotionConflictError(f"{model}: another promotion or rollback came first")
        return self._follow(model, entry, pointer)

    def _follow(self, model: str, entry: Entry, present: Pointer | None) -> Entry:
        return self.ledger.follow(model, entry, partial(self._write_pointer, model, present))

    def _write_pointer(self, model: str, present: Pointer | None, entry: Entry) -> None:
        """Let the champion of an entry serve; a challenger stays unless it is the new champion."""
        # The parameter may have been written by hand, so that the challenger can be anything.
        challenger = present.challenger if present else None
        if not isinstance(challenger, dict) or challenger.get("version") == entry.champion.version:
            challenger = None
        self.registry.write_pointer(model, Pointer(entry.champion, challenger, entry.watch))


def _check_expected(head: Entry | None, expected: str | None) -> None:
    champion = head.champion.version if head else ""
    if expected is not None and expected != champion:
        raise PromotionConflictError(f"the champion is {champion or 'none yet'}")


def _failed_gates(
    version: str, manifest: Mapping[str, Any], anchor: Anchor | None
) -> dict[str, str]:
    """Gate -> sentence of each that failed, or that judged against another anchor."""
    # Versions that were published before there were gates have none.
    gates = manifest.get("gates", ())
    failed = {gate["gate"]: gate["sentence"] for gate in gates if gate["passed"] is False}
    stale = stale_comparison(anchor, version, manifest)
    return {**failed, "anchor": stale} if stale else failed


def _check_gates(
    version: str,
    manifest: Mapping[str, Any],
    failed: Mapping[str, str],
    who: str,
    *,
    override: bool,
) -> tuple[str, ...]:
    """The failed gates, and the missing approval, that a promotion by `who` overrides."""
    own = manifest.get("promotion") != "automatic" and manifest.get("trained_by") == who
    if own and not override:
        raise FourEyesError("you trained this version; someone else must approve it")
    if failed and not override:
        sentences = " ".join([f"{gate}: {sentence}" for gate, sentence in failed.items()])
        raise VersionRejectedError(
            f"{version} is rejected; to promote it anyway, override and say why. {sentences}"
        )
    return (*failed, *([APPROVAL] if own else []))


def _model_digest(manifest: Mapping[str, Any]) -> str:
    try:
        return str(manifest["files"][MODEL_FILE]["sha256"])
    except (KeyError, TypeError):
        raise VersionRefusedError(f"the manifest does not list {MODEL_FILE}") from None
