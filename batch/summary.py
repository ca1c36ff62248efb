"""What a run says about a file as a whole: decisions, scores, and the rules that rows broke."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa

QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


class BrokenRule(TypedDict):
    """A rule and how many rows were rejected for it."""

    field: str
    rule: str
    rows: int


@dataclass
class Tally:
    """Counts of answers and rejections, added up part by part.

    Attributes
    ----------
    choices : rows by decision, or by the product that is recommended first
    """

    choices: Counter[str] = field(default_factory=Counter)
    scores: Counter[int] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_answers(self, table: pa.Table) -> None:
        """Count a table of answers."""
        for name in ("decision", "product_1"):
            if name in table.schema.names:
                self.choices.update(_counts(table[name]))
        if "score" in table.schema.names:
            self.scores.update(_counts(table["score"]))

    def add_rejections(self, table: pa.Table) -> None:
        """Count a table of rejections."""
        pairs = table.group_by(["field", "rule"]).aggregate([("row", "count")])
        for row in pairs.to_pylist():
            self.rules[row["field"], row["rule"]] += row["row_count"]

    @property
    def score_distribution(self) -> dict[str, float] | None:
        """Quantiles and mean of the scores; None where nothing has a score.

        A quantile is the smallest score that at least this share of the rows does not exceed.
        """
        if not self.scores:
            return None
        values, rows = (np.array(part) for part in zip(*sorted(self.scores.items()), strict=True))
        shares = np.cumsum(rows) / rows.sum()
        found = {
            name: int(values[np.searchsorted(shares, q - 1e-12)]) for name, q in QUANTILES.items()
        }
        ends = {"min": int(values[0]), "max": int(values[-1])}
        return {**ends, **found, "mean": round(float(values @ rows / rows.sum()), 1)}

    @property
    def broken_rules(self) -> list[BrokenRule]:
        """The rules by the number of rows that broke them, the most frequent first."""
        return [
            {"field": name, "rule": rule, "rows": rows}
            for (name, rule), rows in self.rules.most_common()
        ]


def _counts(column: pa.ChunkedArray) -> dict[Any, int]:
    """Number of rows for each value that is not null."""
    return {
        pair["values"]: pair["counts"] for pair in pc.value_counts(column.drop_null()).to_pylist()
    }
