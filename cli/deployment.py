"""Which deployment the command line works on: the local stack, or a stage in a real AWS account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from cli.failures import NO_CREDENTIALS, NO_REGION, aws_sentence
from local.environment import AWS_PORT, HOST, HTTP_PORT, STAGE, aws_variables, user_arn
from scoreline.core.errors import RegistryUnavailableError
from scoreline.core.settings import Settings

if TYPE_CHECKING:
    from scoreline.aws.registry import ModelRegistry
    from scoreline.governance.definitions import Definitions
    from scoreline.governance.promotion import Promotions
    from scoreline.governance.routing import Routings
    from scoreline.governance.watches import Watches


@dataclass(frozen=True)
class Deployment:
    """A deployment and the ARN of the person who works on it."""

    registry: ModelRegistry
    promotions: Promotions
    routings: Routings
    watches: Watches
    who: str

    @classmethod
    def connect(cls, stage: str) -> Self:
        """The stage's deployment in the account that the AWS environment names.

        The stage `local` is the local stack on its usual port, unless AWS_ENDPOINT_URL names
        another. The local stack has no profiles: AWS_PROFILE is the user's name there.
        """
        from scoreline.aws.registry import ModelRegistry

        # boto3 would fail on a profile that the local stack's empty configuration lacks
        user = os.environ.pop("AWS_PROFILE", "") if stage == STAGE else ""
        if stage == STAGE and "AWS_ENDPOINT_URL" not in os.environ:
            host = f"http://{HOST}"
            use_stack(aws_url=f"{host}:{AWS_PORT}", http_url=f"{host}:{HTTP_PORT}")
        account, arn = _caller(stage)
        registry = ModelRegistry.connect(Settings.for_account(stage, account))
        return cls.of(registry, user_arn(user) if stage == STAGE else arn)

    @classmethod
    def of(cls, registry: ModelRegistry, who: str) -> Self:
        """The deployment of a registry; versions are verified in this process."""
        from scoreline.aws.ledger import Ledger
        from scoreline.governance.entry import Entry
        from scoreline.governance.promotion import Promotions
        from scoreline.governance.routing import RoutingEntry, Routings
        from scoreline.governance.watches import Watches
        from scoreline.serving.verification import verify

        ledger = Ledger.connect(registry.settings, Entry)
        promotions = Promotions(registry, ledger, partial(verify, registry))
        routings = Routings(registry, Ledger(ledger.table, RoutingEntry))
        return cls(registry, promotions, routings, Watches.connect(promotions), who)

    @property
    def definitions(self) -> Definitions:
        """The registered definitions; few commands need them and the libraries that check them."""
        from scoreline.governance.definitions import Definitions

        return Definitions.of(self.registry, self.promotions.ledger.table)


def use_stack(*, aws_url: str, http_url: str) -> None:
    """Let boto3 in this process talk to a local stack."""
    os.environ.update(aws_variables(aws_url=aws_url, http_url=http_url))


def _caller(stage: str) -> tuple[str, str]:
    """Account and ARN of the AWS credentials, checked first for what boto3 misses only late."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from scoreline.aws.clients import CLIENT_CONFIG

    # A given endpoint is no EC2 instance: without this, boto3 waits for its metadata service.
    if "AWS_ENDPOINT_URL" in os.environ:
        os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    try:
        if boto3.DEFAULT_SESSION is None:
            boto3.setup_default_session()
        session = boto3.DEFAULT_SESSION
        assert session is not None  # noqa: S101
        if session.region_name is None:
            raise RegistryUnavailableError(NO_REGION + _endpoint_hint())
        if session.get_credentials() is None:
            raise RegistryUnavailableError(NO_CREDENTIALS + _endpoint_hint())
        identity = session.client("sts", config=CLIENT_CONFIG).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise RegistryUnavailableError(_advice(stage, error)) from error
    except ValueError as error:  # botocore's for an address that is no URL
        raise RegistryUnavailableError(f"AWS cannot be used: {error}") from error
    return identity["Account"], identity["Arn"]


def _endpoint_hint() -> str:
    if "AWS_ENDPOINT_URL" not in os.environ:
        return ""
    return "; AWS_ENDPOINT_URL alone is not enough, `scoreline serve` prints all that is needed"


def _advice(stage: str, error: Exception) -> str:
    from botocore.exceptions import EndpointConnectionError

    if stage == STAGE and isinstance(error, EndpointConnectionError):
        url = os.environ["AWS_ENDPOINT_URL"]
        return f"the local stack does not answer at {url}; start it with: scoreline serve"
    return f"stage {stage}: {aws_sentence(error)}"
