"""The ONNX boundary of serving: bytes of a `model.onnx` in, answers out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol, cast

from scoreline.core.contract import UNLEARNED, Contract
from scoreline.core.errors import (
    InvalidApplicationError,
    OnnxRuntimeError,
    VersionRefusedError,
)
from scoreline.core.features import UNSEEN_CATEGORY
from scoreline.core.unlearned import refusal
from scoreline.core.versions import MODEL_FILE, VersionRef, digest
from scoreline.scoring.answer_fields import answer_fields
from scoreline.scoring.application import ApplicationEncoder
from scoreline.scoring.decisions import DecisionAnswers
from scoreline.scoring.recommendations import RecommendationAnswers
from scoreline.scoring.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scoreline.api.scoring_answers import Answer, CreditDecision, RecommendedProducts
    from scoreline.aws.reader import ModelReader
    from scoreline.core.contract import State

    # An application as the client sent it, and its row.
    type EncodedApplication = tuple[Mapping[str, Any], Sequence[float]]


class TaskAnswers(Protocol):
    """Builds the answers of a model's task from the outputs of its graph."""

    @property
    def outputs(self) -> Sequence[str]:
        """The outputs that an answer needs."""

    def answer(
        self,
        application: Mapping[str, Any],
        row: Sequence[float],
        outputs: Sequence[Sequence[float]],
        languages: Sequence[str],
        *,
        unlearned: bool = False,
    ) -> CreditDecision | RecommendedProducts:
        """The answer to one application, without id, model and version.

        Parameters
        ----------
        application, row : as the client sent it, and encoded
        outputs : the row's, one after the other
        languages : wanted languages of texts, the best first
        unlearned : the row is in a state that too few fitted rows are in
        """


ANSWERS_OF_TASK: dict[str, Callable[[Contract], TaskAnswers]] = {
    "default": DecisionAnswers,
    "recommendation": RecommendationAnswers,
}


class ScoringModel:
    """One version of a model, ready to answer.

    Attributes
    ----------
    encoder : checks applications and turns them into rows
    """

    def __init__(self, session: Session) -> None:
        self.contract = Contract.from_json(session.metadata("contract"))
        self.version = session.metadata("version")
        self.encoder = ApplicationEncoder(self.contract)
        self._session = session
        self._answers = ANSWERS_OF_TASK[self.contract.task](self.contract)
        self._accepting = [
            (feature.name, position)
            for position, feature in enumerate(self.contract.features)
            if feature.unseen == "accept"
        ]
        self._unlearned = self.contract.unlearned
        self._outputs = (*self._answers.outputs, *([UNLEARNED] if self._unlearned else []))
        if session.columns != len(self.contract.features):
            raise ValueError("the graph takes other rows than the contract says")
        if not set(self._outputs) <= set(session.outputs):
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

    def unlearned(self, rows: Sequence[Sequence[float]]) -> list[list[State]]:
        """The unlearned states that each encoded row is in."""
        if not self._unlearned:
            return [[] for _ in rows]
        [flags] = self._session.run(rows, [UNLEARNED])
        return [self._states(of_row) for of_row in flags]

    def answer(
        self, applications: Sequence[EncodedApplication], languages: Sequence[str] = ()
    ) -> list[Answer]:
        """Answers for applications and their encoded rows, in one run of the graph.

        `unseen` names the features whose category was accepted though the model does not know it,
        and `unlearned` those in a state that too few fitted rows are in; answers without such a
        feature do not have the field.

        Parameters
        ----------
        languages : wanted languages of the reasons' texts, the best first

        Raises
        ------
        InvalidApplicationError
            The first application with an unlearned state, for a model that refuses it.
        """
        answers = []
        for outcome in self.answer_each(applications, languages):
            if isinstance(outcome, InvalidApplicationError):
                raise outcome
            answers.append(outcome)
        return answers

    def answer_each(
        self, applications: Sequence[EncodedApplication], languages: Sequence[str] = ()
    ) -> list[Answer | InvalidApplicationError]:
        """Answers as `answer` gives them, and the error in place of each that is refused."""
        rows = [row for _, row in applications]
        columns = self._session.run(rows, self._outputs)
        outcomes: list[Answer | InvalidApplicationError] = []
        for encoded, *outputs in zip(applications, *columns, strict=True):
            unlearned = self._states(outputs.pop()) if self._unlearned else []
            if unlearned and self.contract.unlearned_rule == "refuse":
                outcomes.append(refusal(unlearned))
            else:
                outcomes.append(self._answer(encoded, outputs, languages, unlearned))
        return outcomes

    def _answer(
        self,
        encoded: EncodedApplication,
        outputs: Sequence[Sequence[float]],
        languages: Sequence[str],
        unlearned: Sequence[State],
    ) -> Answer:
        application, row = encoded
        answer: dict[str, Any] = {
            "id": application.get("id") or os.urandom(16).hex(),
            "model": self.contract.model,
            "version": self.version,
            **self._answers.answer(application, row, outputs, languages, unlearned=bool(unlearned)),
        }
        unseen = [name for name, i in self._accepting if row[i] == UNSEEN_CATEGORY]
        if unseen:
            answer["unseen"] = unseen
        if unlearned:
            answer["unlearned"] = [state.feature for state in unlearned]
        if self.contract.answer:
            answer |= answer_fields(self.contract.answer, answer)
        return cast("Answer", answer)

    def _states(self, flags: Sequence[float]) -> list[State]:
        return [state for state, flag in zip(self._unlearned, flags, strict=True) if flag]


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
