"""The smallest changes of an application that reach a decision: an exhaustive search by steps.

A candidate changes up to `MAX_FIELDS` actionable features by whole steps from their present values;
another category or a flipped boolean is one step. Candidates are ordered by the number of fields
and then by the number of steps. The first ones that reach the decision are therefore the smallest
ones, whatever the shape of the model.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from itertools import combinations, islice
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scoreline.core.features import Feature
    from scoreline.scoring.model import ScoringModel

MAX_PROPOSALS = 3
MAX_FIELDS = 3  # changed by one proposal
MAX_STEPS = 200  # for one field
MAX_SCORED = 20_000
BATCH = 256  # rows that fit the cache; in batches of 4,096 a row takes three times as long

_SIGNS = {"increase": (1,), "decrease": (-1,), "either": (1, -1)}


class Move(NamedTuple):
    """Another value of a feature: its place and code in the row, and as clients send it."""

    column: int
    code: float
    value: Any
    steps: int


@record
class Lever:
    """The moves of a feature by their steps, ascending; `cut` if its range has further ones."""

    moves: Mapping[int, Sequence[Move]] = field(default_factory=dict)
    cut: bool = False

    def below(self, steps: int) -> Lever:
        """The moves of fewer steps, as a lever that is complete."""
        return Lever({n: moves for n, moves in self.moves.items() if n < steps})


type Candidate = tuple[Move, ...]
type Rank = tuple[int, int, Candidate]


@record
class Search:
    """The result of a search.

    Attributes
    ----------
    proposals : the smallest first
    scored : number of candidates that were scored
    complete : every candidate that could have been among the proposals was scored
    """

    proposals: list[Candidate]
    scored: int
    complete: bool


@record
class Goal:
    """The row to start from, the model, and the decisions to reach."""

    model: ScoringModel
    row: Sequence[float]
    decisions: Collection[str]

    def reached_by(self, candidates: Sequence[Candidate]) -> Iterator[Rank]:
        """The candidates that reach the goal, with their ranks: steps, score, contract's order."""
        contract = self.model.contract
        log_odds = self.model.log_odds([_changed(self.row, moves) for moves in candidates])
        reached = []
        for candidate, value in zip(candidates, log_odds, strict=True):
            score = contract.score_scale.score(value)
            if contract.decide(score) in self.decisions:
                reached.append((total_steps(candidate), -score, candidate))
        yield from self._learned(reached)

    def _learned(self, reached: Sequence[Rank]) -> Iterator[Rank]:
        """Those without an unlearned state, which the score alone does not decide on."""
        contract = self.model.contract
        if not (reached and contract.unlearned and contract.refers_unlearned):
            yield from reached
            return
        states = self.model.unlearned([_changed(self.row, rank[-1]) for rank in reached])
        yield from (rank for rank, found in zip(reached, states, strict=True) if not found)


def _changed(row: Sequence[float], candidate: Candidate) -> list[float]:
    changed = list(row)
    for move in candidate:
        changed[move.column] = move.code
    return changed


def search(goal: Goal) -> Search:
    """The smallest candidates that reach the goal, each with a set of fields of its own.

    Smaller means fewer fields, then fewer steps in total, then a higher score, then the contract's
    order. A candidate is not proposed if it makes all changes of a smaller proposal, by as many
    steps or more, and changes further fields.
    """
    features = enumerate(goal.model.contract.features)
    levers = {column: _lever(column, feature, goal.row[column]) for column, feature in features}
    found: list[Candidate] = []
    scored, complete = 0, True
    for size in range(1, MAX_FIELDS + 1):
        step = _smallest(goal, _candidates(levers, size), found, MAX_SCORED - scored)
        found += step.proposals
        scored += step.scored
        complete &= step.complete
        if len(found) >= MAX_PROPOSALS:
            break
        # A larger candidate with a move of so many steps would contain the proposal.
        if size == 1:
            for [move] in found:
                levers[move.column] = levers[move.column].below(move.steps)
            complete &= not any(lever.cut for lever in levers.values())
    return Search(found[:MAX_PROPOSALS], scored, complete)


def total_steps(candidate: Candidate) -> int:
    """The steps of all changes."""
    return sum(move.steps for move in candidate)


def _smallest(
    goal: Goal, candidates: Iterator[Candidate], found: Sequence[Candidate], budget: int
) -> Search:
    """The proposals among candidates of one size, which are ordered by steps."""
    best: dict[tuple[int, ...], Rank] = {}
    wanted, scored = MAX_PROPOSALS - len(found), 0
    while chunk := list(islice(candidates, min(BATCH, budget - scored))):
        scored += len(chunk)
        for rank in goal.reached_by(chunk):
            columns = tuple(move.column for move in rank[-1])
            if not any(_contains(rank[-1], other) for other in found):
                best[columns] = min(rank, best.get(columns, rank))
        ranks = sorted(best.values())
        # Candidates come by steps, so later ones cannot be smaller than the last one of a chunk.
        if len(ranks) >= wanted and ranks[wanted - 1][0] < total_steps(chunk[-1]):
            return Search([candidate for *_, candidate in ranks], scored, True)
    exhausted = next(candidates, None) is None
    return Search([candidate for *_, candidate in sorted(best.values())], scored, exhausted)


def _contains(candidate: Candidate, other: Candidate) -> bool:
    """Whether a candidate moves all fields of the other one by at least as many steps."""
    steps = {move.column: move.steps for move in candidate}
    return all(steps.get(move.column, 0) >= move.steps for move in other)


def _candidates(levers: Mapping[int, Lever], size: int) -> Iterator[Candidate]:
    """Every candidate that changes `size` fields, by ascending steps and then in a fixed order."""
    shortest_first = sorted((lever.moves for lever in levers.values() if lever.moves), key=len)
    most = sum(map(len, shortest_first[-size:]))  # a lever has steps 1, 2, 3 and so on
    for steps in range(size, most + 1):
        for group in combinations(shortest_first, size):
            if steps <= sum(map(len, group)):
                yield from (tuple(sorted(moves)) for moves in _split(group, steps))


def _split(group: Sequence[Mapping[int, Sequence[Move]]], steps: int) -> Iterator[Candidate]:
    """Candidates that move every lever, by so many steps in total."""
    first, *rest = group
    if not rest:
        yield from ((move,) for move in first.get(steps, ()))
        return
    for count, moves in first.items():
        if count > steps - len(rest):
            break
        for others in _split(rest, steps - count):
            yield from ((move, *others) for move in moves)


def _lever(column: int, feature: Feature, present: float) -> Lever:
    """The moves of a feature; missing values and special codes cannot move."""
    change = feature.actionable
    if change is None or feature.protected or isnan(present) or present in feature.specials:
        return Lever()
    if feature.type == "category":
        codes = {code: name for code, name in enumerate(feature.categories) if name in change.to}
        moves = [Move(column, float(c), name, 1) for c, name in codes.items() if c != present]
        return Lever({1: moves} if moves else {})
    signs = _SIGNS[change.direction]
    if feature.type == "boolean":
        flipped = not present
        allowed = (1 if flipped else -1) in signs
        return Lever({1: [Move(column, float(flipped), flipped, 1)]} if allowed else {})
    low, high = feature.range
    by_steps: dict[int, list[Move]] = {}
    for steps in range(1, MAX_STEPS + 2):
        amounts = [_amount(present, sign * steps, change.step) for sign in signs]
        by_steps[steps] = [Move(column, float(a), a, steps) for a in amounts if low <= a <= high]
    cut = bool(by_steps.pop(MAX_STEPS + 1))
    return Lever({steps: moves for steps, moves in by_steps.items() if moves}, cut)


def _amount(present: float, steps: int, step: float) -> float:
    """The amount after so many steps; decimal arithmetic gives the number that a person expects."""
    exact = Decimal(str(present)) + steps * Decimal(str(step))
    return int(exact) if exact == int(exact) else float(exact)
