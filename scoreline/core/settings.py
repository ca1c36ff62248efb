"""Names of a deployment's resources, which follow from its stage and its bucket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scoreline.core.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_POINTER_MAX_AGE_S = 60.0
DEFAULT_MAX_BATCH_ITEMS = 1_000


@record
class Settings:
    """Names of a deployment's resources; the same names stand in `template.yaml`."""

    stage: str
    bucket: str
    pointer_max_age_s: float = DEFAULT_POINTER_MAX_AGE_S
    max_batch_items: int = DEFAULT_MAX_BATCH_ITEMS

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; a missing SCORELINE_STAGE or SCORELINE_BUCKET is a KeyError."""
        max_age_s = environ.get("SCORELINE_POINTER_MAX_AGE_S", DEFAULT_POINTER_MAX_AGE_S)
        max_items = environ.get("SCORELINE_MAX_BATCH_ITEMS", DEFAULT_MAX_BATCH_ITEMS)
        stage, bucket = environ["SCORELINE_STAGE"], environ["SCORELINE_BUCKET"]
        return cls(stage, bucket, float(max_age_s), int(max_items))

    @classmethod
    def for_account(cls, stage: str, account: str) -> Settings:
        """The deployment of a stage in an AWS account."""
        return cls(stage, f"scoreline-{stage}-{account}")

    def pointer_parameter(self, model: str) -> str:
        """SSM parameter that names the model's champion and challenger."""
        return f"/scoreline/{self.stage}/models/{model}"

    @property
    def pointer_path(self) -> str:
        """SSM path of all pointers."""
        return f"/scoreline/{self.stage}/models"

    @property
    def routing_parameter(self) -> str:
        """SSM parameter with the default model and the model of each bank."""
        return f"/scoreline/{self.stage}/routing"

    @property
    def ledger_table(self) -> str:
        """DynamoDB table of promotions and rollbacks."""
        return f"scoreline-{self.stage}-ledger"

    @property
    def jobs_table(self) -> str:
        """DynamoDB table of training jobs."""
        return f"scoreline-{self.stage}-jobs"

    @property
    def features_table(self) -> str:
        """DynamoDB table of the customers' features, one item for customer and pipeline."""
        return f"scoreline-{self.stage}-features"

    @property
    def watches_table(self) -> str:
        """DynamoDB table of the counts that predict keeps during the watch of a promotion."""
        return f"scoreline-{self.stage}-watches"

    @property
    def train_queue(self) -> str:
        """SQS queue that the train function reads."""
        return f"scoreline-{self.stage}-train"

    @property
    def predict_function(self) -> str:
        """Name of the predict function, which admin asks to verify a version."""
        return f"scoreline-{self.stage}-predict"
