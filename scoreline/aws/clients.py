"""boto3 as we use it: short time-outs, and its exceptions as ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scoreline.core.errors import (
    RegistryUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


# A dead endpoint must not hold a scoring request for botocore's default minute.
CLIENT_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 2})


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
