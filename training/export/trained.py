"""What the training of every task comes to: graphs, contract, figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

    from scoreline.core.contract import Contract
    from training.evaluate.intervals import Interval


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that has passed its gate, and what there is to say of it.

    Attributes
    ----------
    score : the metric that a training job reports
    metrics : figures on the test rows
    samples : "train" and "test" -> what their rows hold
    sections : further parts of the manifest
    golden : applications and their answers
    """

    contract: Contract
    online: ModelProto
    batch: ModelProto
    score: float
    metrics: Mapping[str, Interval]
    samples: Mapping[str, Mapping[str, Any]]
    sections: Mapping[str, Any]
    golden: list[dict[str, Any]]
