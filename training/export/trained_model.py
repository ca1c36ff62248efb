"""The result of a training recipe: exported graphs, contract and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

    from scoreline.core.contract import Contract
    from training.evaluate.intervals import Metric


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that has passed the parity gate, with its figures.

    Attributes
    ----------
    score : the metric that a training job reports
    metrics : figures on the test rows
    samples : "train" and "test" -> description of their rows
    sections : further parts of the manifest
    golden : applications and the answers that a loaded version must reproduce
    """

    contract: Contract
    online: ModelProto
    batch: ModelProto
    score: float
    metrics: Mapping[str, Metric]
    samples: Mapping[str, Mapping[str, Any]]
    sections: Mapping[str, Any]
    golden: list[dict[str, Any]]
