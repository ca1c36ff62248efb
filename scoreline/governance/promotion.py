"""Promotion and rollback: verify the version, write the ledger, then move the pointer after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoreline.core.errors import (
    FourEyesError,
    ModelNotFoundError,
    PointerInvalidError,
    PromotionConflictError,
    RegistryUnavailableError,
    VersionRefusedError,
    VersionRejectedError,
)
from scoreline.core.versions import MODEL_FILE, Pointer, VersionRef
from scoreline.governance.ledger import champion_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from scoreline.aws.registry import ModelRegistry
    from scoreline.governance.ledger import Action, Entry, Ledger

    # (model, version) -> SHA-256 of its model.onnx, or an error
    Verify = Callable[[str, str], str]


APPROVAL = "approval"  # beside the gates that an override passed over


@dataclass(frozen=True, slots=True)
class Promotions:
    """Moves champions. The ledger decides who wins; the pointer follows the ledger."""

    registry: ModelRegistry
    ledger: Ledger
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
        """Let `version` be the champion; returns the ledger's head once the pointer follows it.

        Promoting the champion again adds no entry and writes the pointer anew: so a promotion
        that broke off between ledger and pointer is finished, and a pointer changed by hand undone.

        Parameters
        ----------
        expected : the champion that the caller means to replace, empty for none
        override : promote a version that did not pass its gates, or that the caller has trained;
            the entry names these gates, or `approval`

        Raises
        ------
        VersionNotFoundError, VersionRefusedError, VersionRejectedError, FourEyesError
            Nothing has moved.
        PromotionConflictError
            The champion is not `expected`, or another promotion came first.
        RegistryUnavailableError
            AWS does not answer; the message says whether the ledger has the promotion already.
        """
        head = self.ledger.head(model)
        if head is None or head.champion.version != version:
            _check_expected(head, expected)
            manifest = self.registry.manifest(model, version)
            failed, own = _failed_gates(manifest), _lacks_approval(manifest, who)
            if own and not override:
                raise FourEyesError("who trained a version may not approve it: another one has to")
            if failed and not override:
                raise VersionRejectedError(_rejection(version, failed))
            champion = self._verified(model, version)
            head = self._record(
                model,
                "promote",
                champion,
                after=head,
                who=who,
                reason=reason,
                override=(*(gate["gate"] for gate in failed), *([APPROVAL] if own else [])),
                watch_minutes=manifest.get("watch", {}).get("minutes", 0),
            )
        else:
            if expected != head.previous:  # a repeated call still names the former champion
                _check_expected(head, expected)
            self._verify_again(model, head.champion)
        return self._settle(model, head)

    def rollback(self, model: str, *, who: str, reason: str, expected: str | None = None) -> Entry:
        """Return to the champion before the present one; errors as in `promote`.

        The ledger says which one that is, whatever the pointer says, but for one case: the version
        that the last rollback took off still serves, or serves again. If nobody has written the
        pointer since, the rollback broke off and is finished without another entry. If somebody
        has, by hand, that version is taken off once more, and the new entry says by whom and why.
        """
        entries = self.ledger.history(model)
        head = entries[-1] if entries else None
        if head is not None and head.action == "rollback" and self._serves(model, head.previous):
            if expected != head.previous:
                _check_expected(head, expected)
            champion = head.champion
            broke_off = self.registry.pointer_writes(model) == head.pointer_writes
        else:
            _check_expected(head, expected)
            champion, broke_off = champion_before(entries), False
        self._verify_again(model, champion)
        if head is None or not broke_off:
            head = self._record(model, "rollback", champion, after=head, who=who, reason=reason)
        return self._settle(model, head)

    def confirm(self, model: str, *, who: str, reason: str, expected: str) -> Entry:
        """End the watch of the champion, which stays; errors as in `promote`."""
        head = self.ledger.head(model)
        _check_expected(head, expected)
        if head is None or head.watch is None:
            raise PromotionConflictError("no watch is open")
        head = self._record(model, "confirm", head.champion, after=head, who=who, reason=reason)
        return self._settle(model, head)

    def finish(self, model: str) -> None:
        """Let the pointer follow the ledger, if nobody has written it since the ledger's head."""
        head = self.ledger.head(model)
        if head is not None and self.registry.pointer_writes(model) == head.pointer_writes:
            self._settle(model, head)

    def _record(
        self,
        model: str,
        action: Action,
        champion: VersionRef,
        *,
        after: Entry | None,
        who: str,
        reason: str,
        override: tuple[str, ...] = (),
        watch_minutes: float = 0,
    ) -> Entry:
        return self.ledger.record(
            model,
            action,
            champion,
            after=after,
            who=who,
            reason=reason,
            pointer_writes=self.registry.pointer_writes(model),
            override=override,
            watch_minutes=watch_minutes,
        )

    def _verified(self, model: str, version: str) -> VersionRef:
        manifest = self.registry.manifest(model, version)
        sha256 = self.verify(model, version)
        if sha256 != _manifest_digest(manifest):
            raise VersionRefusedError(f"{version}: {MODEL_FILE} is not the one of its manifest")
        return VersionRef(version, sha256)

    def _verify_again(self, model: str, champion: VersionRef) -> None:
        if self._verified(model, champion.version) != champion:
            raise VersionRefusedError(
                f"{champion.version}: {MODEL_FILE} is not the one that the ledger names"
            )

    def _settle(self, model: str, head: Entry) -> Entry:
        """Write the pointer until the ledger's head is the entry that was written last.

        Whoever writes the pointer looks at the ledger afterwards, so the last writer leaves the
        two equal, however slow an older promotion is.
        """
        try:
            while True:
                challenger = self._challenger_beside(model, head.champion)
                pointer = Pointer(head.champion, challenger, head.watch)
                self.registry.write_pointer(model, pointer)
                latest = self.ledger.head(model)
                if latest is None or latest.sequence == head.sequence:
                    return head
                head = latest
        except RegistryUnavailableError as error:
            version = head.champion.version
            raise RegistryUnavailableError(
                f"the ledger names {version}, but its pointer is not confirmed: "
                f"promote {version} again ({error.message})"
            ) from error

    def _challenger_beside(self, model: str, champion: VersionRef) -> dict[str, Any] | None:
        """The present challenger, unless it is the new champion."""
        present = self._pointer(model)
        challenger = present.challenger if present else None
        if isinstance(challenger, dict) and challenger.get("version") != champion.version:
            return challenger
        return None

    def _serves(self, model: str, version: str | None) -> bool:
        pointer = self._pointer(model)
        return pointer is not None and pointer.champion.version == version

    def _pointer(self, model: str) -> Pointer | None:
        """The pointer; None where there is none or where it cannot be read as one."""
        try:
            return self.registry.pointer(model)
        except (ModelNotFoundError, PointerInvalidError):
            return None


def _failed_gates(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The gates that a version did not pass; a version older than gates has none."""
    return [gate for gate in manifest.get("gates", ()) if gate["passed"] is False]


def _rejection(version: str, failed: list[dict[str, Any]]) -> str:
    sentences = " ".join(f"{gate['gate']}: {gate['sentence']}" for gate in failed)
    return f"{version} is rejected; to promote it all the same, override and say why. {sentences}"


def _check_expected(head: Entry | None, expected: str | None) -> None:
    champion = head.champion.version if head else ""
    if expected is not None and expected != champion:
        raise PromotionConflictError(f"the champion is {champion or 'none yet'}")


def _lacks_approval(manifest: Mapping[str, Any], who: str) -> bool:
    """Whether another one than `who` has to approve the version, for `who` has trained it."""
    return manifest.get("promotion") != "automatic" and manifest.get("trained_by") == who


def _manifest_digest(manifest: dict[str, Any]) -> str:
    try:
        return str(manifest["files"][MODEL_FILE]["sha256"])
    except (KeyError, TypeError):
        raise VersionRefusedError("the manifest names no model.onnx") from None
