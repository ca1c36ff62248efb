"""Conditional writes of DynamoDB: which refusals mean that another writer came first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator


_CONFLICTS = {"ConditionalCheckFailed", "TransactionConflict"}


@contextmanager
def conflicts_ignored() -> Iterator[None]:
    """Leave out the rest of the block where a write's condition does not hold."""
    try:
        yield
    except ClientError as error:
        if not is_conflict(error):
            raise


def is_conflict(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because of another one, and not because it is overloaded."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons = {str(r.get("Code")) for r in error.response.get("CancellationReasons", [])}
        return bool(reasons & _CONFLICTS)
    return code in {"ConditionalCheckFailedException", "TransactionConflictException"}
