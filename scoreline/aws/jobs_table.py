"""The jobs table of DynamoDB: one item per training job, and the locks that runs hold."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

import boto3
from botocore.exceptions import ClientError

from scoreline.aws.clients import CLIENT_CONFIG, aws_errors, is_conflict
from scoreline.core.errors import JobNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.service_resource import Table

    from scoreline.core.settings import Settings


class JobState(StrEnum):
    """The `state` of a job's item."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that an item must meet to be updated; `#state` is its state."""

    expression: str
    values: Mapping[str, Any]


def is_queued() -> Condition:
    """The job is waiting for a run."""
    return Condition("#state = :queued", {":queued": JobState.QUEUED})


def is_held_by(run: str) -> Condition:
    """The job is running, and no other run has taken it over."""
    values = {":running": JobState.RUNNING, ":run": run}
    return Condition("#state = :running AND run_id = :run", values)


def is_free() -> Condition:
    """The job is queued, or the lease of its run has ended."""
    return Condition(
        "#state = :queued OR (#state = :running AND lease_until < :now)",
        {":queued": JobState.QUEUED, ":running": JobState.RUNNING, ":now": int(time.time())},
    )


class JobsTable:
    """The jobs table of a deployment.

    An item without a `state` is not a job: `model NAME` says which job holds a model and until
    when, and `manifest URI` keeps the latest event of a dataset's manifest. The id of a job holds
    no space.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Connect with the credentials and the region of the environment."""
        resource = boto3.resource("dynamodb", config=CLIENT_CONFIG)
        return cls(resource.Table(settings.jobs_table))

    def item(self, job: str) -> dict[str, Any]:
        """The item of a job, with numbers as Decimal."""
        with aws_errors("DynamoDB"):
            item = self.table.get_item(Key={"job": job}, ConsistentRead=True).get("Item")
        if item is None:
            raise JobNotFoundError("no such job")
        return item

    def add(self, item: Mapping[str, Any], *, message: str) -> None:
        """Add a queued job, unless there is one that may still run or has ended for good.

        A job replaces one of the same id that gave up (`repeatable`) or whose message has expired.
        It does not if it comes with the `message` that the job gave up with: SQS moves that message
        to the dead-letter queue.
        """
        with aws_errors("DynamoDB"):
            try:
                self.table.put_item(
                    Item=item,
                    ConditionExpression="attribute_not_exists(job)"
                    " OR (attribute_exists(repeatable) AND NOT message = :message)"
                    " OR (#state = :queued AND due_until < :now)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":message": message,
                        ":queued": JobState.QUEUED,
                        ":now": int(time.time()),
                    },
                )
            except ClientError as error:
                if not is_conflict(error):
                    raise

    def update(self, job: str, condition: Condition, **attributes: Any) -> bool:
        """Set attributes of a job; False where it does not meet the condition."""
        update = {"Key": {"job": job}, **_setting(attributes, condition)}
        return self._is_written(update)

    def start(
        self, job: str, model: str, lease_until: int, **attributes: Any
    ) -> Literal["job", "model"] | None:
        """Set attributes of a free job and lock its model, both or neither.

        Returns
        -------
        What another run holds; None where the job has started
        """
        update = _setting({**attributes, "lease_until": lease_until}, is_free())
        update["UpdateExpression"] += " REMOVE reason"
        lock = {
            "Item": {"job": _model_key(model), "holder": job, "lease_until": lease_until},
            "ConditionExpression": "attribute_not_exists(job) OR holder = :job"
            " OR lease_until < :now",
            "ExpressionAttributeValues": {":job": job, ":now": int(time.time())},
        }
        name = self.table.name
        # One transaction, so that no run holds a job without its model or a model without a job.
        writes: Any = [
            {"Update": {"TableName": name, "Key": {"job": job}, **update}},
            {"Put": {"TableName": name, **lock}},
        ]
        with aws_errors("DynamoDB"):
            try:
                self.table.meta.client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not is_conflict(error):
                    raise
                # One reason per write, in their order; "None" where that write was fine.
                job_reason, _ = error.response["CancellationReasons"]
                return "model" if job_reason["Code"] == "None" else "job"
        return None

    def unlock_model(self, model: str, job: str) -> None:
        """End the lease on a model, if the job holds it."""
        self._is_written(
            {
                "Key": {"job": _model_key(model)},
                "UpdateExpression": "SET lease_until = :ended",
                "ConditionExpression": "holder = :job",
                "ExpressionAttributeValues": {":ended": 0, ":job": job},
            }
        )

    def latest_sequencer(self, manifest: str, sequencer: str) -> str:
        """The highest sequencer of a manifest's events so far, `sequencer` included.

        Sequencers of one key compare as text if they are padded to the same length.
        """
        key = {"job": f"manifest {manifest}"}
        # Events arrive in any order: only a higher sequencer replaces the stored one.
        self._is_written(
            {
                "Key": key,
                "UpdateExpression": "SET sequencer = :new",
                "ConditionExpression": "attribute_not_exists(sequencer) OR sequencer < :new",
                "ExpressionAttributeValues": {":new": sequencer},
            }
        )
        return str(self.item(key["job"])["sequencer"])

    def _is_written(self, update: Any) -> bool:
        """Update an item; False where its condition does not hold."""
        with aws_errors("DynamoDB"):
            try:
                self.table.update_item(**update)
            except ClientError as error:
                if not is_conflict(error):
                    raise
                return False
        return True


def _setting(attributes: Mapping[str, Any], condition: Condition) -> dict[str, Any]:
    """An update that sets attributes where a condition holds."""
    names = {f"#{name}": name for name in attributes}
    # A prefix keeps the new values apart from those of the condition.
    values = {f":new_{name}": value for name, value in attributes.items()}
    return {
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in attributes),
        "ConditionExpression": condition.expression,
        "ExpressionAttributeNames": {"#state": "state", **names},
        "ExpressionAttributeValues": {**condition.values, **values},
    }


def _model_key(model: str) -> str:
    return f"model {model}"
