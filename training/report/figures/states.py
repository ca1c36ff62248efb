"""The states of the sources, with the fitted rows of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoreline.core.contract import State
from training.graph.states import states_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scoreline.core.contract import Contract
    from scoreline.definition.model import Definition


MOST_NAMED = 20
OUTCOMES = {
    "refer": "an application with one of them is referred",
    "refuse": "an application with one of them is refused",
    "score": "an application with one of them is decided by its score all the same",
}


def state_table(definition: Definition, contract: Contract, rows: Sequence[int]) -> dict[str, Any]:
    """Every state of every feature and derived feature, and what an unlearned one leads to.

    Parameters
    ----------
    contract : with its unlearned states
    rows : fitted rows of each state of `states_of`
    """
    states = [State(contract.sources[s.source].name, s.name) for s in states_of(contract)]
    return {
        "min_rows": definition.min_state_rows,
        "unlearned": definition.unlearned,
        "states": [
            {
                "feature": state.feature,
                "state": state.state,
                "rows": count,
                "learned": state not in contract.unlearned,
            }
            for state, count in zip(states, rows, strict=True)
        ],
    }


def unlearned_warnings(table: Mapping[str, Any]) -> Iterator[str]:
    """One warning that names the unlearned states of a table, if there are any."""
    unlearned = [state for state in table["states"] if not state["learned"]]
    if not unlearned:
        return
    named = [f"{s['feature']} {s['state']} ({s['rows']:,})" for s in unlearned[:MOST_NAMED]]
    if len(unlearned) > MOST_NAMED:
        named.append(f"and {len(unlearned) - MOST_NAMED:,} more, which the report lists")
    yield (
        f"{len(unlearned):,} states of features have fewer than {table['min_rows']:,} training"
        f" rows, and {OUTCOMES[table['unlearned']]}: {', '.join(named)}"
    )
