"""A real PostgreSQL server gives the same features as Parquet files."""

import io
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from features.build import build_offline
from features.home_credit.pipeline import HOME_CREDIT
from scoreline.core.errors import DatasetError
from tests.customers import alike
from training.generators.folders import generate_tables, write_tables

pytestmark = pytest.mark.slow

SERVER_USER = "postgres"  # the server refuses to run as root
TYPES = {pa.int64(): "bigint", pa.float64(): "double precision", pa.string(): "text"}


def binaries():
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    on_path = shutil.which("initdb")
    if not found and not on_path:
        pytest.skip("no PostgreSQL server is installed here")
    return (found[-1] if found else Path(on_path)).parent


@pytest.fixture(scope="module")
def server():
    """URL of a temporary server."""
    programs = binaries()
    user = SERVER_USER if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="scoreline-postgres-"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program, *arguments):
        command = [programs / program, "-D", folder / "data", *arguments]
        log = folder.with_suffix(".log")
        with log.open("ab") as output:  # a pipe would be held open by the server
            subprocess.run(command, user=user, cwd="/", check=True, stdout=output, stderr=output)

    try:
        run("initdb", "-A", "trust", "-U", "scoreline", "-N", "-E", "UTF8", "--locale=C")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "start", "-w", "-o", options)
        yield f"postgresql://scoreline@127.0.0.1:{port}/postgres"
        run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
        folder.with_suffix(".log").unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    write_tables(path, generate_tables("home-credit", 300, seed=2))
    return path


def copy(url, name, table):
    """Create and fill a table with names in lower case, as is usual in PostgreSQL."""
    columns = ", ".join(f"{field.name} {TYPES[field.type]}" for field in table.schema)
    text = io.BytesIO()
    csv.write_csv(table, text)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} ({columns})")
        with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv, HEADER)") as copied:
            copied.write(text.getvalue())


@pytest.fixture(scope="module")
def warehouse(server, folder):
    for file in folder.glob("*.parquet"):
        copy(server, file.stem, parquet.read_table(file))
    return server


def test_the_warehouse_gives_the_features_that_the_files_give(warehouse, folder, tmp_path):
    rows = build_offline(HOME_CREDIT, warehouse, tmp_path / "warehouse.parquet")
    build_offline(HOME_CREDIT, str(folder), tmp_path / "files.parquet")

    ours, theirs = (parquet.read_table(tmp_path / f"{n}.parquet") for n in ("warehouse", "files"))
    assert rows == 300
    assert alike(ours, theirs)


def test_what_lies_after_the_application_moves_nothing_there_either(warehouse, tmp_path):
    build_offline(HOME_CREDIT, warehouse, tmp_path / "before.parquet")
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "INSERT INTO previous_application (sk_id_curr, name_contract_status, days_decision)"
            " SELECT sk_id_curr, 'Refused', 1 FROM application_train"
        )

    build_offline(HOME_CREDIT, warehouse, tmp_path / "after.parquet")

    before, after = (parquet.read_table(tmp_path / f"{n}.parquet") for n in ("before", "after"))
    assert alike(after, before)


def test_a_server_that_does_not_answer_is_an_error_without_the_password(tmp_path):
    url = "postgresql://scoreline:secret@127.0.0.1:1/postgres"

    with pytest.raises(DatasetError) as raised:
        build_offline(HOME_CREDIT, url, tmp_path / "features.parquet")

    assert "secret" not in str(raised.value)
