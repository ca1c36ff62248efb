"""The rows of a dataset, as numbers, and what was left out of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Rows to train and test on, and the number of rows that were left out.

    Attributes
    ----------
    X : float32 of shape (n_rows, n_features); categories as codes, missing values as NaN
    y : int8, 1 is default, of shape (n_rows,); for a recommendation 1 is owned, (n_rows, n_labels)
    time : times or numbers that the time split orders by, of shape (n_rows,), or None
    dated : whether the time is a date, in microseconds since 1970
    weight : rows of the population that a row stands for, relative to the mean of the dataset, of
        shape (n_rows,); None where all rows count alike
    unit : rows of one unit stay on one side of every split: those of a group, of an id, or equal
        ones; shape (n_rows,), or None where rows are drawn by their positions
    observed : when the outcomes were observed, in microseconds since 1970, shape (n_rows,), or None
    value : money that each row brings if it is approved, shape (n_rows,); None without economics
    repeated : number of rows without an id that equal an earlier one in every column
    protected : name -> values of a protected feature as text, of shape (n_rows,)
    exclusions : rule -> number of rows left out for it
    first_excluded : rule -> numbers of the first of these rows, counted from 1
    unseen : feature -> number of rows with a category that is not listed, where that is accepted
    unlisted : a sentence for each feature of which too many rows hold such a category
    no_amount : feature -> special code, or "missing" -> number of rows
    sources : place of each file, its version in S3 if it has one, and its SHA-256
    generated : model, seed and rows of each file of invented data
    rows : positions in the rows that were read, of shape (n_rows,)
    late : column of a known time -> number of rows where it lies after the decision
    identities : a number for each row's group, or else its id, or else its file and position, of
        shape (n_rows,)
    identity : column of the groups or ids that they come from; empty where it is the file
    """

    X: NDArray[np.float32]
    y: NDArray[np.int8]
    time: NDArray[np.float64] | None
    protected: dict[str, NDArray[np.str_]]
    rows_read: int
    exclusions: dict[str, int]
    unseen: dict[str, int]
    no_amount: dict[str, dict[str, int]]
    fingerprint: str
    rows: NDArray[np.int64]
    late: dict[str, int]
    identities: NDArray[np.uint64]
    identity: str = ""
    files: list[str] = field(default_factory=list)
    sources: list[dict[str, str]] = field(default_factory=list)
    generated: list[dict[str, Any]] = field(default_factory=list)
    dated: bool = False
    weight: NDArray[np.float64] | None = None
    unit: NDArray[np.uint64] | None = None
    repeated: int = 0
    observed: NDArray[np.float64] | None = None
    value: NDArray[np.float64] | None = None
    unlisted: tuple[str, ...] = ()
    first_excluded: dict[str, list[int]] = field(default_factory=dict)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Some of the rows; the counts remain those of the whole dataset."""

        def some[T: np.generic](values: NDArray[T] | None) -> NDArray[T] | None:
            return None if values is None else values[rows]

        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            rows=self.rows[rows],
            identities=self.identities[rows],
            protected={name: values[rows] for name, values in self.protected.items()},
            time=some(self.time),
            observed=some(self.observed),
            unit=some(self.unit),
            weight=some(self.weight),
            value=some(self.value),
        )
