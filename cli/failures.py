"""Failures as one sentence on standard error and exit code 1, without a stack trace of AWS."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.errors import StackError
from scoreline.core.errors import ScorelineError

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """Turn the errors that a user can act on into a sentence and an exit code."""
    try:
        yield
    except ScorelineError as error:
        _fail(error.message, *(f"  {f.field}: {f.rule}" for f in error.fields))
    except StackError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed; install scoreline with its dependencies")
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")
    except Exception as error:
        if (sentence := aws_sentence(error)) is None:
            raise
        _fail(sentence)


def aws_sentence(error: Exception) -> str | None:
    """An exception of boto3 or botocore as a sentence; None for any other exception."""
    # Imported only after a failure: boto3 takes longer to load than most commands to run.
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    match error:
        case ClientError():
            problem = error.response.get("Error", {})
            code, text = problem.get("Code", "an error"), problem.get("Message", "")
            return f"AWS answered {error.operation_name} with {code}: {text}".rstrip(": ")
        case NoCredentialsError():
            return NO_CREDENTIALS
        case NoRegionError():
            return NO_REGION
        case BotoCoreError() | Boto3Error():
            return f"AWS cannot be used: {error}"
    return None


NO_CREDENTIALS = (
    "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
NO_REGION = "no AWS region: set AWS_DEFAULT_REGION, or a region in your AWS profile"


def _fail(*lines: str) -> None:
    print("scoreline:", "\n".join(lines), file=sys.stderr)
    raise SystemExit(FAILED)
