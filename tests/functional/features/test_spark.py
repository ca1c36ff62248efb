"""Spark gives the same features as DuckDB, where Spark and Java are installed."""

import shutil

import ibis
import pytest
from pyarrow import parquet

from features.home_credit.pipeline import HOME_CREDIT
from features.tables import open_tables, select_tables
from tests.customers import alike
from training.generators.folders import generate_tables, write_tables

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
]


@pytest.fixture
def spark():
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


def test_spark_gives_the_features_that_duckdb_gives(spark, tmp_path):
    write_tables(tmp_path, generate_tables("home-credit", 200, seed=3))

    present = {path.stem: spark.read_parquet(path) for path in tmp_path.glob("*.parquet")}
    ours = HOME_CREDIT.offline(select_tables(HOME_CREDIT, present)).to_pyarrow()

    with open_tables(HOME_CREDIT, str(tmp_path)) as tables:
        theirs = HOME_CREDIT.offline(tables).to_pyarrow()
    assert parquet.read_metadata(tmp_path / "application_train.parquet").num_rows == len(ours)
    assert alike(ours, theirs)
