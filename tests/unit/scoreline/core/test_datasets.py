import re

import pytest

from scoreline.core.datasets import DATASET_PATTERN, dataset_uri, is_dataset_path, s3_uri, split_s3

FOLDERS = [
    "2026-11-26T10:00:00",
    "run 1",
    "a+b",
    "a,b",
    "a@b",
    "a&b",
    "%20x",
    "größe",
    "dt=2026-11-26",
    "a;b~[c]{d}#e",
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_character_of_a_key_is_taken(folder):
    key = f"datasets/german-credit/{folder}/_READY.json"
    announced = s3_uri("scoreline-dev-1", key, "x.1_Z-")

    assert dataset_uri(announced, "another") == announced
    assert split_s3(announced) == ("scoreline-dev-1", key, "x.1_Z-")
    assert dataset_uri(key, "scoreline-dev-1") == s3_uri("scoreline-dev-1", key)
    assert re.search(DATASET_PATTERN, announced)


@pytest.mark.parametrize("path", ["s3://b/a\nb", "s3://bucket/a?b", "datasets/../models/", "x"])
def test_what_names_no_object_is_refused(path):
    assert not is_dataset_path(path)
    assert not re.search(DATASET_PATTERN, path)
