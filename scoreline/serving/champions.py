"""The champions in memory: old pointers are read again, and errors leave the last good champion."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoreline.core.errors import (
    ModelNotFoundError,
    RegistryUnavailableError,
    ScorelineError,
)
from scoreline.core.versions import VersionRef, is_model_name
from scoreline.scoring.model import ScoringModel, load_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.aws.reader import ModelReader
    from scoreline.core.versions import Routing, Watch
    from scoreline.serving.watch import ChampionWatch

    # (watch, champion, its shadow if that is still loaded) -> the observer of the champion
    type StartWatch = Callable[[Watch, ScoringModel, ScoringModel | None], ChampionWatch | None]

JITTER = 0.2  # of a pointer's age, so that processes do not all ask SSM at once
RETRY_S = 5.0
MAX_ABSENT = 1000  # names of models that do not exist, which clients may invent without end


@dataclass(slots=True)
class LoadedChampion:
    """A champion in memory.

    Attributes
    ----------
    fresh_until : when its pointer has to be read again
    problem : why the pointer could not be followed when it was last read
    watch : the watch that the pointer names
    observer : compares the champion with the shadow of the watch
    """

    ref: VersionRef
    model: ScoringModel
    fresh_until: float
    problem: str | None = None
    watch: Watch | None = None
    observer: ChampionWatch | None = None


class ChampionCache:
    """The champions that this process serves; a pointer past its maximum age is read again."""

    def __init__(
        self,
        registry: ModelReader,
        clock: Callable[[], float] = time.monotonic,
        on_problem: Callable[[str | None, str], None] = lambda _model, _problem: None,
        start_watch: StartWatch = lambda _watch, _champion, _before: None,
    ) -> None:
        """Start with nothing loaded.

        Parameters
        ----------
        on_problem : called with a model, None for the routing, and the problem for which the last
            good one keeps serving
        start_watch : called when the pointer names another watch
        """
        self._registry = registry
        self._clock = clock
        self._on_problem = on_problem
        self._start_watch = start_watch
        self._loaded: dict[str, LoadedChampion] = {}
        self._absent: dict[str, float] = {}  # model without a pointer -> when to look again
        self._routing: Routing | None = None
        self._routing_until = 0.0
        self.routing_problem: str | None = None

    def get(self, model: str) -> LoadedChampion:
        """The champion of a model.

        While SSM or S3 fails, or while the pointer names a version that does not load, the last
        good champion keeps serving and its `problem` says why.
        """
        champion = self._loaded.get(model)
        if champion is not None and self._clock() < champion.fresh_until:
            return champion
        return self._refresh(model)

    def for_bank(self, bank: str | None) -> LoadedChampion:
        """The champion of a bank's model, or of the default model for None."""
        routing = self.routing()
        return self.get(routing.default if bank is None else routing.model_for(bank))

    def routing(self) -> Routing:
        """The routing; the last good one while SSM fails or while the parameter is invalid."""
        if self._routing is None or self._clock() >= self._routing_until:
            try:
                self._routing = self._registry.routing()
                self._routing_until, self.routing_problem = self._next_check(), None
            except ScorelineError as error:
                if self._routing is None:
                    raise
                if self.routing_problem != error.message:
                    self._on_problem(None, error.message)
                self._routing_until = self._clock() + RETRY_S
                self.routing_problem = error.message
        return self._routing

    def loaded(self) -> dict[str, LoadedChampion]:
        """Every loaded champion by model."""
        return dict(self._loaded)

    def forget_pointers(self) -> None:
        """Read every pointer again at its next use, as after a SnapStart restore."""
        self._routing_until = 0.0
        self._absent.clear()
        for champion in self._loaded.values():
            champion.fresh_until = 0.0

    def _refresh(self, model: str) -> LoadedChampion:
        if not is_model_name(model):
            raise ModelNotFoundError("no such model")
        if self._clock() < self._absent.get(model, 0.0):
            raise ModelNotFoundError(f"{model}: nothing is promoted")
        try:
            return self._follow_pointer(model)
        except ModelNotFoundError:
            self._loaded.pop(model, None)
            self._remember_absent(model)
            raise
        except ScorelineError as error:
            return self._keep_last_good(model, error)

    def _follow_pointer(self, model: str) -> LoadedChampion:
        pointer, last = self._registry.pointer(model), self._loaded.get(model)
        champion = last
        if champion is None or champion.ref != pointer.champion:
            # Not fresh until the watch has started too: if that fails, the next request retries.
            loaded = load_version(self._registry, model, pointer.champion)
            champion = self._loaded[model] = LoadedChampion(pointer.champion, loaded, 0.0)
        if champion.watch != pointer.watch:
            champion.watch = pointer.watch
            champion.observer = self._observer(champion, last)
        champion.fresh_until, champion.problem = self._next_check(), None
        return champion

    def _keep_last_good(self, model: str, error: ScorelineError) -> LoadedChampion:
        champion = self._loaded.get(model)
        if champion is None:
            raise _unavailable(error) from error
        if champion.problem != error.message:
            self._on_problem(model, error.message)
        champion.fresh_until, champion.problem = self._clock() + RETRY_S, error.message
        return champion

    def _observer(
        self, champion: LoadedChampion, last: LoadedChampion | None
    ) -> ChampionWatch | None:
        watch = champion.watch
        if watch is None:
            return None
        shadow = last.model if last is not None and last.ref == watch.shadow else None
        return self._start_watch(watch, champion.model, shadow)

    def _remember_absent(self, model: str) -> None:
        """Do not ask SSM about this model again for a moment; only MAX_ABSENT names are kept."""
        self._absent.pop(model, None)
        if len(self._absent) >= MAX_ABSENT:
            del self._absent[next(iter(self._absent))]
        self._absent[model] = self._clock() + RETRY_S

    def _next_check(self) -> float:
        max_age_s = self._registry.settings.pointer_max_age_s
        return self._clock() + max_age_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def _unavailable(error: ScorelineError) -> ScorelineError:
    if isinstance(error, RegistryUnavailableError):
        return error
    return RegistryUnavailableError(f"the promoted version does not serve: {error.message}")
