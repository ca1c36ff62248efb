"""Credentials of a Lambda function: in its environment, or under SnapStart from an endpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from scoreline.aws.light.connection import Connection
from scoreline.aws.light.sigv4 import Credentials
from scoreline.core.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RENEW_BEFORE = timedelta(minutes=5)  # clocks differ, and a request takes time


def from_environment(environ: Mapping[str, str]) -> Callable[[], Credentials]:
    """A function that returns the credentials for the next request."""
    if "AWS_ACCESS_KEY_ID" in environ:
        given = Credentials(
            environ["AWS_ACCESS_KEY_ID"],
            environ["AWS_SECRET_ACCESS_KEY"],
            environ.get("AWS_SESSION_TOKEN"),
        )
        return lambda: given
    if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in environ:
        token = environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        return ExpiringCredentials(environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], token)
    raise RegistryUnavailableError("there are no AWS credentials in the environment")


class ExpiringCredentials:
    """Credentials from Lambda's own endpoint, fetched again before they expire.

    A snapshot may be restored long after INIT, when the credentials of INIT have expired.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": token} if token else {}
        self._credentials: Credentials | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> Credentials:
        """The current credentials."""
        if self._credentials is None or datetime.now(UTC) >= self._renew_at:
            self._credentials = self._fetch()
        return self._credentials

    def _fetch(self) -> Credentials:
        try:
            path = "/" + self._url.partition("://")[2].partition("/")[2]
            content = json.loads(Connection(self._url).send("GET", path, self._headers).body)
            self._renew_at = datetime.fromisoformat(content["Expiration"]) - RENEW_BEFORE
            return Credentials(
                content["AccessKeyId"], content["SecretAccessKey"], content.get("Token")
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RegistryUnavailableError(f"AWS credentials: {type(error).__name__}") from error
