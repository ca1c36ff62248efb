"""Settings of boto3's clients, and what their exceptions mean."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scoreline.core.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

# A dead endpoint must not hold a request for botocore's default minute.
CLIENT_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 2})

TRANSIENT_ERRORS = (
    RegistryUnavailableError,
    BotoCoreError,
    ClientError,
    ConnectionError,
    TimeoutError,
)
# Repeated calls get the same answer, for example from a bucket that the function may not read.
PERMANENT_CODES = {
    "AccessDenied",
    "InvalidBucketName",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchVersion",
}
_CONFLICT_REASONS = {"ConditionalCheckFailed", "TransactionConflict"}


@contextmanager
def aws_errors(service: str) -> Iterator[None]:
    """Turn boto's exceptions into a RegistryUnavailableError that names service and code."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise RegistryUnavailableError(f"{service} answered {code}") from error
    except BotoCoreError as error:
        raise RegistryUnavailableError(f"{service}: {type(error).__name__}") from error


def is_conflict(error: ClientError) -> bool:
    """Whether DynamoDB refused a write for its condition or for another write of the same item."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        # An overloaded table cancels transactions too, with other reasons.
        reasons = {str(r.get("Code")) for r in error.response.get("CancellationReasons", [])}
        return bool(reasons & _CONFLICT_REASONS)
    return code in {"ConditionalCheckFailedException", "TransactionConflictException"}


def is_transient(error: Exception) -> bool:
    """Whether a repeated call may succeed."""
    cause = error if isinstance(error, ClientError) else error.__cause__
    if isinstance(cause, ClientError) and cause.response["Error"]["Code"] in PERMANENT_CODES:
        return False
    return isinstance(error, TRANSIENT_ERRORS)
