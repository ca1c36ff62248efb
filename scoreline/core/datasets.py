"""Dataset paths that a deployment accepts: S3 only, never the disk of a function."""

from __future__ import annotations

import re

from scoreline.core.errors import DatasetError

DATASET_RULE = (
    "must be s3://BUCKET/KEY, or a key prefix in the deployment's bucket that starts with "
    "datasets/; paths of a local disk are not read"
)
READY_FILE = "_READY.json"  # the manifest of a dataset, whose arrival asks for training
# Metadata of a Parquet file whose rows are invented: JSON of model, seed and rows.
GENERATED_KEY = b"scoreline.generated"
UPLOADED_BY = "uploaded-by"  # metadata of the manifest
UPLOAD_PREFIX = "upload by "  # of `trained_by`, where only an S3 event names the uploader
_VERSION = "?versionId="
# S3 takes any character in a key; "?" would be mistaken for the start of the object's version.
_S3_URI = re.compile(
    r"s3://[a-z0-9][a-z0-9.-]+/[^?\x00-\x1f\x7f]*(_READY\.json\?versionId=[\w.-]+)?"
)
_DATASET_PREFIX = re.compile(r"datasets(/[^/.?\x00-\x1f\x7f][^/?\x00-\x1f\x7f]*)+/?")
DATASET_PATTERN = f"^({_S3_URI.pattern}|{_DATASET_PREFIX.pattern})$"


def is_dataset_path(path: str) -> bool:
    """Whether a path follows DATASET_RULE.

    Examples
    --------
    >>> is_dataset_path("datasets/german-credit/"), is_dataset_path("/tmp/german.csv")
    (True, False)
    """
    return bool(_S3_URI.fullmatch(path) or _DATASET_PREFIX.fullmatch(path))


def dataset_uri(path: str, bucket: str) -> str:
    """S3 URI of a dataset; a DatasetError where the path breaks DATASET_RULE.

    Examples
    --------
    >>> dataset_uri("datasets/german-credit/", "scoreline-dev-1")
    's3://scoreline-dev-1/datasets/german-credit/'
    """
    if not is_dataset_path(path):
        raise DatasetError(f"dataset_path: {DATASET_RULE}")
    return path if path.startswith("s3://") else f"s3://{bucket}/{path}"


def s3_uri(bucket: str, key: str, version: str = "") -> str:
    """S3 URI of an object, or of one version of it.

    Examples
    --------
    >>> s3_uri("scoreline-dev-1", "datasets/german-credit/_READY.json", "x1")
    's3://scoreline-dev-1/datasets/german-credit/_READY.json?versionId=x1'
    """
    return f"s3://{bucket}/{key}" + (_VERSION + version if version else "")


def split_s3(uri: str) -> tuple[str, str, str]:
    """Bucket, key and object version of an S3 URI; inverse of `s3_uri`."""
    bucket, _, rest = uri.removeprefix("s3://").partition("/")
    key, _, version = rest.partition(_VERSION)
    return bucket, key, version


def is_ready_path(path: str) -> bool:
    """Whether a path is that of a dataset's manifest."""
    return path.partition(_VERSION)[0].rpartition("/")[2] == READY_FILE
