"""The log: ids, counts and places in the code, never a value of an applicant."""

from __future__ import annotations

from aws_lambda_powertools import Logger

logger = Logger(service="scoreline")


def log_unexpected(error: Exception) -> None:
    """Log where an unforeseen error arose; its message could hold a value, so it stays out."""
    logger.error("unexpected error", error=type(error).__name__, trace=places(error))


def places(error: BaseException) -> list[str]:
    """File, line and function of every call that an error came through, the outermost first."""
    trace, found = error.__traceback__, []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found
