"""The ONNX boundary of serving: bytes of a `model.onnx` in, answers out."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime

from functions.predict.application import ApplicationEncoder
from functions.predict.decisions import Decisions
from functions.predict.recommendations import Recommendations
from functions.shared.contract import Contract
from functions.shared.errors import VersionRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

# An application as the client sent it, and its row.
type EncodedApplication = tuple[Mapping[str, Any], Sequence[float]]


class Task(Protocol):
    """What a model is for: the outputs of its graph, and the answer that they make."""

    @property
    def outputs(self) -> Sequence[str]:
        """The outputs that an answer needs."""

    def answer(
        self,
        application: Mapping[str, Any],
        row: Sequence[float],
        outputs: Sequence[Sequence[float]],
        languages: Sequence[str],
    ) -> dict[str, Any]:
        """What an answer says besides id, model and version.

        Parameters
        ----------
        application, row : as the client sent it, and encoded
        outputs : the row's, one after the other
        languages : wanted languages of texts, the best first
        """


TASKS: dict[str, Callable[[Contract], Task]] = {
    "default": Decisions,
    "recommendation": Recommendations,
}


@dataclass(frozen=True, slots=True)
class Scores:
    """What the graph of a task `default` returns for n rows.

    Attributes
    ----------
    probability, log_odds : calibrated, of default; shape (n,)
    margin : the model's own output, which the contributions add up to; shape (n,)
    contributions, values : of every source; shape (n, n_sources)
    """

    probability: NDArray[np.float32]
    log_odds: NDArray[np.float32]
    margin: NDArray[np.float32]
    contributions: NDArray[np.float32]
    values: NDArray[np.float32]


class ScoringModel:
    """One version of a model, ready to answer."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        metadata = session.get_modelmeta().custom_metadata_map
        self.contract = Contract.from_json(metadata["contract"])
        self.version: str = metadata["version"]
        self._session = session
        self._encoder = ApplicationEncoder(self.contract)
        self._task = TASKS[self.contract.task](self.contract)
        self._history: dict[int, float] = {}

    @classmethod
    def from_onnx(cls, content: bytes) -> ScoringModel:
        """Load a model; VersionRefusedError where the bytes are not one of ours."""
        try:
            return cls(onnxruntime.InferenceSession(content, session_options()))
        except Exception as error:  # onnxruntime's errors share no narrower base
            raise VersionRefusedError("the version does not load") from error

    def run(self, rows: NDArray[np.float32] | Sequence[Sequence[float]]) -> Scores:
        """Score encoded rows of shape (n, n_features)."""
        probability, log_odds, margin, *rest = self._run(rows, Decisions.outputs)
        return Scores(probability[:, 0], log_odds[:, 0], margin[:, 0], *rest)

    def with_history(self, values: Mapping[str, Any]) -> ScoringModel:
        """The same model for one customer: every row that it encodes has these online features."""
        model = copy(self)
        model._history = self._encoder.encode_history(values)
        return model

    def encode(self, application: Mapping[str, Any]) -> list[float]:
        """The row of an application; InvalidApplicationError where it breaks the contract."""
        row = self._encoder.encode(application)
        for position, value in self._history.items():
            row[position] = value
        return row

    def canonical(self, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The application with its features' own names in place of their aliases."""
        return self._encoder.canonical(application)

    def answer(
        self, applications: Sequence[EncodedApplication], languages: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Answers for applications and their encoded rows, in one run of the graph.

        Parameters
        ----------
        languages : wanted languages of the reasons' texts, the best first
        """
        rows = [row for _, row in applications]
        columns = [output.tolist() for output in self._run(rows, self._task.outputs)]
        return [
            {
                "id": application.get("id") or os.urandom(16).hex(),
                "model": self.contract.model,
                "version": self.version,
                **self._task.answer(application, row, outputs, languages),
            }
            for (application, row), *outputs in zip(applications, *columns, strict=True)
        ]

    def _run(
        self, rows: NDArray[np.float32] | Sequence[Sequence[float]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """Outputs of the graph, each of shape (n, its columns)."""
        found: list[NDArray[np.float32]] = self._session.run(
            outputs, {"X": np.asarray(rows, np.float32)}
        )
        return found


def session_options() -> onnxruntime.SessionOptions:
    """One thread: a Lambda row takes microseconds, and threads double the load time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
