"""The ONNX boundary of serving: bytes of a `model.onnx` in, answers out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from functions.predict.application import ApplicationEncoder
from functions.predict.reasons import Explained, ReasonFinder
from functions.shared.contract import Contract
from functions.shared.errors import VersionRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# An application as the client sent it, and its row.
type EncodedApplication = tuple[Mapping[str, Any], Sequence[float]]

OUTPUTS = ("probability", "log_odds", "margin", "contributions", "values")


@dataclass(frozen=True, slots=True)
class Scores:
    """What the graph returns for n rows.

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
        self._reasons = ReasonFinder(self.contract)

    @classmethod
    def from_onnx(cls, content: bytes) -> ScoringModel:
        """Load a model; VersionRefusedError where the bytes are not one of ours."""
        try:
            return cls(onnxruntime.InferenceSession(content, session_options()))
        except Exception as error:  # onnxruntime's errors share no narrower base
            raise VersionRefusedError("the version does not load") from error

    def run(self, rows: NDArray[np.float32] | Sequence[Sequence[float]]) -> Scores:
        """Score encoded rows of shape (n, n_features)."""
        X = np.asarray(rows, np.float32)
        probability, log_odds, margin, *rest = self._session.run(OUTPUTS, {"X": X})
        return Scores(probability[:, 0], log_odds[:, 0], margin[:, 0], *rest)

    def encode(self, application: Mapping[str, Any]) -> list[float]:
        """The row of an application; InvalidApplicationError where it breaks the contract."""
        return self._encoder.encode(application)

    def answer(
        self, applications: Sequence[EncodedApplication], languages: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Answers for applications and their encoded rows, in one run of the graph.

        Parameters
        ----------
        languages : wanted languages of the reasons' texts, the best first
        """
        scores = self.run([row for _, row in applications])
        columns = [getattr(scores, output) for output in OUTPUTS]
        answers = []
        for (application, row), probability, log_odds, margin, contributions, values in zip(
            applications, *(column.tolist() for column in columns), strict=True
        ):
            answer = self._answer(application, probability, log_odds)
            approved = answer["decision"] == "approve"
            explained = Explained(row, values, contributions, margin, log_odds, approved)
            answers.append({**answer, "reasons": self._reasons.find(explained, languages)})
        return answers

    def _answer(
        self, application: Mapping[str, Any], probability: float, log_odds: float
    ) -> dict[str, Any]:
        contract = self.contract
        score = contract.score_scale.score(log_odds)
        return {
            "id": application.get("id") or os.urandom(16).hex(),
            "model": contract.model,
            "version": self.version,
            "probability_of_default": round(probability, 6),
            "probabilities": {
                "low_risk": round(1 - probability, 6),
                "high_risk": round(probability, 6),
            },
            "score": score,
            "risk_score": round(100 * probability, 2),
            "risk_level": contract.risk_level(probability),
            "decision": contract.decide(score),
        }


def session_options() -> onnxruntime.SessionOptions:
    """One thread: a Lambda row takes microseconds, and threads double the load time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
