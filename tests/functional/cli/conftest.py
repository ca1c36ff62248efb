import boto3
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.seed_data import german_credit


@pytest.fixture
def scoreline(aws, settings, monkeypatch, tmp_path):
    """Runs a command in a folder that holds german.csv."""
    monkeypatch.setenv("SCORELINE_STAGE", settings.stage)
    (tmp_path / "german.csv").write_bytes(german_credit())
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **options):
        return CliRunner().invoke(app, arguments, catch_exceptions=True, **options)

    return run


@pytest.fixture
def approver(scoreline, monkeypatch):
    """Runs commands as another user."""
    iam = boto3.client("iam")
    iam.create_user(UserName="bea")
    key = iam.create_access_key(UserName="bea")["AccessKey"]

    def run(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
            patch.setattr(boto3, "DEFAULT_SESSION", None)  # holds the keys that it has read
            return scoreline(*arguments, **options)

    return run
