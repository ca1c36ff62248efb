"""The environment in which functions and command line reach the local stack and no real account."""

from __future__ import annotations

import getpass
import os
import re
from typing import TYPE_CHECKING

from local.template import TEMPLATE_PATH, Template
from scoreline.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STAGE = "local"
ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"
HOST = "127.0.0.1"
HTTP_PORT = 3000
AWS_PORT = 5000
POINTER_MAX_AGE_S = "2"

SETTINGS = Settings.for_account(STAGE, ACCOUNT)
_USER = re.compile(r"[\w+=,.@-]{1,64}")  # as IAM names users


def read_template(path: Path = TEMPLATE_PATH) -> Template:
    """`template.yaml` for the local stage."""
    return Template.read(stage=STAGE, account=ACCOUNT, region=REGION, path=path)


def user_arn(name: str) -> str:
    """ARN of a user of the local stack, which checks no identity; the system's user by default."""
    name = name if _USER.fullmatch(name) else getpass.getuser()
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def aws_variables(*, aws_url: str, http_url: str) -> dict[str, str]:
    """Variables that let boto3 and the AWS CLI talk to the local stack, never to a real account."""
    return {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ENDPOINT_URL_LAMBDA": http_url,  # moto would start containers for functions
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def function_variables(
    *, aws_url: str, http_url: str, template: Path = TEMPLATE_PATH
) -> dict[str, str]:
    """The environment of the functions: the template's, with the local stack's endpoints."""
    return {
        **read_template(template).environment,
        "SCORELINE_POINTER_MAX_AGE_S": POINTER_MAX_AGE_S,
        **aws_variables(aws_url=aws_url, http_url=http_url),
    }


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without the user's own AWS profile, keys and endpoints."""
    return {name: value for name, value in environ.items() if not name.startswith("AWS_")}
