"""Which deployment the command line works on: the local stack, or a stage in a real AWS account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.environment import STAGE, aws_variables, user_arn
from local.stack import AWS_PORT, HTTP_PORT
from scoreline.aws.clients import CLIENT_CONFIG
from scoreline.aws.registry import ModelRegistry
from scoreline.core.errors import RegistryUnavailableError
from scoreline.core.settings import Settings
from scoreline.governance.entries import Entries
from scoreline.governance.ledger import Ledger
from scoreline.governance.promotion import Promotions
from scoreline.governance.routing import Routings
from scoreline.governance.watches import Watches


@dataclass(frozen=True)
class Deployment:
    """A deployment and who works on it."""

    registry: ModelRegistry
    promotions: Promotions
    routings: Routings
    watches: Watches
    who: str

    @classmethod
    def connect(cls, stage: str) -> Self:
        """The stage's deployment in the account that the AWS environment names.

        The stage `local` is the local stack on its usual port, unless AWS_ENDPOINT_URL says where.
        It has no profiles: there the name of AWS_PROFILE is that of the user.
        """
        user = os.environ.pop("AWS_PROFILE", "") if stage == STAGE else ""
        if stage == STAGE and "AWS_ENDPOINT_URL" not in os.environ:
            host = "http://127.0.0.1"
            use_stack(aws_url=f"{host}:{AWS_PORT}", http_url=f"{host}:{HTTP_PORT}")
        try:
            identity = boto3.client("sts", config=CLIENT_CONFIG).get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise RegistryUnavailableError(_advice(stage, error)) from error
        registry = ModelRegistry.connect(Settings.for_account(stage, identity["Account"]))
        return cls.of(registry, user_arn(user) if stage == STAGE else identity["Arn"])

    @classmethod
    def of(cls, registry: ModelRegistry, who: str) -> Self:
        """A deployment that is known already; versions are verified in this process."""
        from scoreline.serving.verification import verify

        entries = Entries.connect(registry.settings)
        promotions = Promotions(registry, Ledger(entries), partial(verify, registry))
        watches = Watches.connect(registry.settings, promotions)
        return cls(registry, promotions, Routings(registry, entries), watches, who)


def use_stack(*, aws_url: str, http_url: str) -> None:
    """Let boto3 in this process talk to a local stack."""
    os.environ.update(aws_variables(aws_url=aws_url, http_url=http_url))


def _advice(stage: str, error: Exception) -> str:
    if stage == STAGE:
        return "the local stack does not answer; start it with: make serve"
    return f"AWS does not answer for stage {stage} ({type(error).__name__}); is a profile set?"
