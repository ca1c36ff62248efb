"""Finds the uploader of a dataset, whom EventBridge does not name, in its manifest's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from scoreline.aws.clients import aws_errors
from scoreline.core.datasets import UPLOAD_PREFIX, UPLOADED_BY, is_ready_path, split_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectRequestTypeDef


def uploader(s3: S3Client, path: str, trained_by: str) -> str:
    """The person that an uploaded manifest names; `trained_by` where it names nobody."""
    if not trained_by.startswith(UPLOAD_PREFIX) or not is_ready_path(path):
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
            return trained_by  # training reports the missing dataset when it reads it
    return metadata.get(UPLOADED_BY, trained_by)
