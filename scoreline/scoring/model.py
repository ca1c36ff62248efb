"""The ONNX boundary of serving: bytes of a `model.onnx` in, answers out."""

from __future__ import annotations

import os
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

from scoreline.core.contract import Contract
from scoreline.core.errors import OnnxRuntimeError, VersionRefusedError
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.decisions import Decisions
from scoreline.scoring.recommendations import Recommendations
from scoreline.scoring.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
from scoreline.core.versions import MODEL_FILE, VersionRef, digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scoreline.aws.reader import ModelReader


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


class ScoringModel:
    """One version of a model, ready to answer."""

    def __init__(self, session: Session) -> None:
        self.contract = Contract.from_json(session.metadata("contract"))
        self.version = session.metadata("version")
        self._session = session
        self._encoder = ApplicationEncoder(self.contract)
        self._task = TASKS[self.contract.task](self.contract)
        self._history: dict[int, float] = {}
        if session.columns != len(self.contract.features):
            raise ValueError("the graph takes other rows than the contract says")
        if not set(self._task.outputs) <= set(session.outputs):
            raise ValueError("the graph lacks an output that the task needs")

    @classmethod
    def from_onnx(cls, content: bytes) -> ScoringModel:
        """Load a model; VersionRefusedError where the bytes are not one of ours."""
        try:
            return cls(Session(content))
        except (OnnxRuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise VersionRefusedError("the version does not load") from error

    def log_odds(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Calibrated log-odds of default of encoded rows, for a model of the task `default`."""
        [outputs] = self._session.run(rows, ["log_odds"])
        return [value for [value] in outputs]

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
        columns = self._session.run(rows, self._task.outputs)
        return [
            {
                "id": application.get("id") or os.urandom(16).hex(),
                "model": self.contract.model,
                "version": self.version,
                **self._task.answer(application, row, outputs, languages),
            }
            for (application, row), *outputs in zip(applications, *columns, strict=True)
        ]


def load_version(registry: ModelReader, model: str, ref: VersionRef) -> ScoringModel:
    """Fetch, verify and load a version.

    Raises
    ------
    VersionRefusedError
        The file's digest is not the pointer's, or it does not load, or it is another version.
    """
    content = registry.read(model, ref.version, MODEL_FILE)
    if digest(content) != ref.sha256:
        raise VersionRefusedError(f"{model} {ref.version}: the file's digest is not the pointer's")
    scoring_model = ScoringModel.from_onnx(content)
    if (scoring_model.contract.model, scoring_model.version) != (model, ref.version):
        raise VersionRefusedError(f"{model} {ref.version}: the file holds another version")
    return scoring_model
