"""Watches a new champion: counts applications that it fails to answer, and how its scores differ.

The replaced champion scores the same applications as a shadow. The counts go to DynamoDB, where the
admin function reads them. An error here never affects an answer.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from scoreline.core.errors import (
    InvalidApplicationError,
    RegistryUnavailableError,
    ScorelineError,
)
from scoreline.core.log import log_unexpected, logger
from scoreline.core.versions import watch_key
from scoreline.scoring.model import load_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scoreline.aws.reader import ModelReader
    from scoreline.core.versions import VersionRef, Watch
    from scoreline.scoring.model import ScoringModel
    from scoreline.scoring.online import Applicant

    type ReadApplicant = Callable[[ScoringModel, Mapping[str, Any]], Applicant]
    # (key, amounts): adds to the counts of a watch
    type Add = Callable[[Mapping[str, str], Mapping[str, int]], None]

FLUSH_S = 1.0
RETRY_AFTER_S = 30.0  # after a write to DynamoDB has failed
OUTERMOST_BIN = 30  # in halves of `pdo` from the base score


class ChampionWatch:
    """One watch in this process: compares scores and writes its counts about once a second."""

    def __init__(
        self,
        watch: Watch,
        champion: ScoringModel,
        shadow: ScoringModel | None,
        *,
        read_applicant: ReadApplicant,
        add: Add,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start with no counts.

        Parameters
        ----------
        shadow : the replaced champion; without it only errors are counted
        clock : seconds since the epoch
        """
        self._contract = champion.contract
        self._shadow = shadow
        self._key = watch_key(champion.contract.model, watch)
        self._until = datetime.fromisoformat(watch.until).timestamp()
        self._read_applicant = read_applicant
        self._add = add
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._due = 0.0

    def observe[A: Mapping[str, object]](
        self, score: Callable[[], A], body: Mapping[str, Any]
    ) -> A:
        """Call `score` for the body of a request, and count its answer or its error."""
        try:
            answer = score()
        except Exception as error:
            self._count(self._count_error, body, error)
            raise
        self._count(self._count_answer, body, answer)
        return answer

    def _count(self, count: Callable[..., None], body: Mapping[str, Any], outcome: Any) -> None:
        try:
            # After the watch nothing is counted, but what is left is still written.
            if self._clock() < self._until:
                count(_items(body), outcome)
            if any(self._counts.values()) and self._clock() >= self._due:
                self._write()
        except Exception as error:  # the answer must not depend on the watch
            log_unexpected(error)

    def _write(self) -> None:
        try:
            self._add(self._key, {name: count for name, count in self._counts.items() if count})
        except RegistryUnavailableError as error:
            logger.warning("watch counts not written, retry scheduled", problem=error.message)
            self._due = self._clock() + RETRY_AFTER_S
            return
        self._counts.clear()
        self._due = self._clock() + FLUSH_S

    def _count_error(self, items: Sequence[Any], error: Exception) -> None:
        # Other errors below 500 are the client's, whichever version answers.
        is_refusal = isinstance(error, InvalidApplicationError)
        if is_refusal or not isinstance(error, ScorelineError) or error.status >= 500:
            self._count_unanswered(items, is_refusal=is_refusal)

    def _count_answer(self, items: Sequence[Any], answer: Mapping[str, Any]) -> None:
        pairs = list(zip(items, answer.get("results", [answer]), strict=True))
        answered = [(item, found) for item, found in pairs if "error" not in found]
        self._counts["decisions"] += len(answered)
        if self._has_scores and self._shadow is not None:
            self._compare([item for item, _ in answered], [found["score"] for _, found in answered])
        refused = [item for item, found in pairs if "error" in found]
        self._count_unanswered(refused, is_refusal=True)

    def _count_unanswered(self, items: Sequence[Any], *, is_refusal: bool) -> None:
        """Count as errors the applications that the shadow would have answered.

        Without a shadow, every application that was not refused counts.
        """
        if self._shadow is not None:
            answered = sum(score is not None for score in self._shadow_scores(items))
        else:
            answered = 0 if is_refusal else len(items)
        self._counts["errors"] += answered

    def _compare(self, items: Sequence[Any], scores: Sequence[int]) -> None:
        for score, other in zip(scores, self._shadow_scores(items), strict=True):
            if other is None:
                continue
            self._counts["compared"] += 1
            self._counts["difference"] += score - other
            self._counts["squared_difference"] += (score - other) ** 2
            self._counts[f"champion {self._bin(score)}"] += 1
            self._counts[f"shadow {self._bin(other)}"] += 1

    def _shadow_scores(self, items: Sequence[Any]) -> list[int | None]:
        """The shadow's scores in points of the champion's scale; None where it has no answer.

        For a task without scores, 0 stands for any answer.
        """
        rows = [self._shadow_row(item) for item in items]
        known = [row for row in rows if row is not None]
        scores = iter(self._scores(known) if known else ())
        return [None if row is None else next(scores) for row in rows]

    def _refused(self, rows: Sequence[Sequence[float]]) -> list[bool]:
        """Whether the shadow refuses rows for their unlearned states."""
        assert self._shadow is not None  # noqa: S101
        if self._shadow.contract.unlearned_rule != "refuse":
            return [False] * len(rows)
        return [bool(states) for states in self._shadow.unlearned(rows)]

    def _shadow_row(self, item: Any) -> Sequence[float] | None:
        assert self._shadow is not None  # noqa: S101
        if not isinstance(item, dict):
            return None
        try:
            return self._read_applicant(self._shadow, item).row
        except ScorelineError:
            return None

    def _scores(self, rows: Sequence[Sequence[float]]) -> list[int | None]:
        assert self._shadow is not None  # noqa: S101
        refused = self._refused(rows)
        if not self._has_scores:
            return [None if no_answer else 0 for no_answer in refused]
        scale, log_odds = self._contract.score_scale, self._shadow.log_odds(rows)
        return [
            None if no_answer else scale.score(value)
            for no_answer, value in zip(refused, log_odds, strict=True)
        ]

    @property
    def _has_scores(self) -> bool:
        return self._contract.task == "default"

    def _bin(self, score: int) -> int:
        scale = self._contract.score_scale
        place = round((score - scale.base_score) / (scale.pdo / 2))
        return max(-OUTERMOST_BIN, min(OUTERMOST_BIN, place))


def _items(body: Mapping[str, Any]) -> Sequence[Any]:
    """The applications of a request."""
    items = body.get("applications")
    return items if isinstance(items, list) else [body]


def load_shadow(registry: ModelReader, model: str, ref: VersionRef) -> ScoringModel | None:
    """The shadow of a watch; None if it does not load."""
    try:
        return load_version(registry, model, ref)
    except ScorelineError as error:
        logger.warning("watch without shadow", model=model, problem=error.message)
        return None
