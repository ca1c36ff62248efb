"""Who uploaded a dataset: its manifest's metadata say it, EventBridge names the account only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from scoreline.aws.clients import aws_errors
from scoreline.core.datasets import UPLOADED_BY, is_ready_path, split_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef

UPLOAD = "upload by "


def uploader(s3: S3Client, path: str, trained_by: str) -> str:
    """Who asked for the training: of an upload, whom its manifest names, else `trained_by`."""
    if not trained_by.startswith(UPLOAD) or not is_ready_path(path):
        return trained_by
    bucket, key, version = split_s3(path)
    manifest: HeadObjectRequestTypeDef = {"Bucket": bucket, "Key": key}
    if version:
        manifest["VersionId"] = version
    with aws_errors("S3"):
        try:
            metadata = s3.head_object(**manifest)["Metadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NoSuchVersion"}:
                raise
            return trained_by  # reading the dataset will say that it is gone
    return metadata.get(UPLOADED_BY, trained_by)
