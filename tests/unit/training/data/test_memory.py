import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from scoreline.core.errors import DatasetError
from tests.sample import applicants, definition
from training.data.files import list_files
from training.data.memory import (
    CGROUP_LIMIT,
    available_mb,
    check_memory,
    count_or_guess_rows,
    estimate_mb,
)
from training.train import train


@pytest.fixture
def sample(tmp_path):
    return definition(tmp_path)


def write_footer_only(path, rows, row_group_size=None):
    """A Parquet file whose footer is whole and whose pages are not."""
    parquet.write_table(pa.table({"a": np.arange(rows)}), path, row_group_size=row_group_size)
    with open(path, "r+b") as file:
        file.write(b"\0" * 1000)
    return str(path)


def rows_of(path):
    [file] = list_files(str(path))
    return count_or_guess_rows(file)


@pytest.mark.parametrize("row_group_size", [None, 50], ids=["small footer", "footer over 64 KiB"])
def test_rows_of_parquet_come_from_the_footer(tmp_path, row_group_size):
    path = write_footer_only(tmp_path / "a.parquet", 100_000, row_group_size)

    assert rows_of(path) == 100_000


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100_000])
def test_an_invalid_parquet_file_is_refused(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)

    with pytest.raises(DatasetError, match="is not a valid"):
        rows_of(tmp_path / "a.parquet")


@pytest.mark.parametrize("rows", [3, 30_000])
def test_rows_of_csv_are_estimated_from_its_size(tmp_path, rows):
    applicants(rows).to_csv(tmp_path / "a.csv", index=False)

    assert rows_of(tmp_path / "a.csv") == pytest.approx(rows, rel=0.05, abs=1)


def test_an_empty_csv_has_no_rows(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")

    assert rows_of(tmp_path / "a.csv") == 0


def test_the_estimate_grows_with_the_rows_of_all_files(tmp_path, sample):
    for name in ("a", "b"):
        parquet.write_table(pa.table({"a": np.zeros(1_000_000)}), tmp_path / f"{name}.parquet")

    one = estimate_mb(sample, str(tmp_path / "a.parquet"))
    both = estimate_mb(sample, str(tmp_path))
    none = 2 * one - both

    assert 300 < none < one < both


def test_a_dataset_over_the_limit_is_refused_with_advice(tmp_path, sample):
    path = write_footer_only(tmp_path / "a.parquet", 5_000_000)
    needed = estimate_mb(sample, path)

    check_memory(sample, path, needed)
    check_memory(sample, path, None)
    with pytest.raises(DatasetError) as refused:
        check_memory(sample, path, needed - 1)

    message = refused.value.message
    assert f"needs about {needed:,} MB of memory, but there are {needed - 1:,} MB" in message
    assert "up to 10,240" in message
    assert "scoreline train sample --dataset" in message


def test_training_checks_the_functions_memory_before_it_reads(tmp_path, sample, monkeypatch):
    path = write_footer_only(tmp_path / "a.parquet", 5_000_000)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")

    with pytest.raises(DatasetError, match=r"there are 1,024 MB"):
        train(sample, path)


def test_memory_is_that_of_the_function_the_container_or_the_machine(tmp_path, monkeypatch):
    machine = available_mb({})
    container = tmp_path / "memory.max"
    monkeypatch.setattr("training.data.memory.CGROUP_LIMIT", container)
    container.write_text(f"{512 << 20}\n")

    assert available_mb({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008"}) == 3008
    assert available_mb({}) == 512
    container.write_text("max\n")
    assert available_mb({}) >= machine > 512
    assert str(CGROUP_LIMIT) == "/sys/fs/cgroup/memory.max"
