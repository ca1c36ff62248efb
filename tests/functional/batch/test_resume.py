import json
import random
import signal
import subprocess
import sys
import textwrap
import time

import onnxruntime
import pyarrow as pa
import pytest
from pyarrow import parquet

from batch.model import BatchModel
from scoreline.core.errors import BatchError
from scoreline.core.versions import BATCH_FILE
from tests import sample

ROWS, PART_ROWS = 40_000, 512
PARTS = -(-ROWS // PART_ROWS)

# Scores like the command line, in small parts, and records each part that it scores.
CHILD = """
import os, sys
from dataclasses import replace
from pathlib import Path
import onnxruntime
from batch.model import BatchModel
from batch.run import Batch

class Counting(BatchModel):
    def answer(self, X, **options):
        answers = super().answer(X, **options)
        if X.X.shape[1]:  # an empty table names the output's columns
            os.write(log, b"scored\\n")
        return answers

graph, source, output, counted = sys.argv[1:]
log = os.open(counted, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
model = Counting(onnxruntime.InferenceSession(Path(graph).read_bytes()), "", "applicant")
batch = replace(Batch.of(model, source, Path(output)), part_rows={part_rows})
print("ready", flush=True)
batch.run(lambda done, total: None)
"""


def journal(folder):
    path = folder / "out.parquet.parts" / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines[1:] if line.endswith("\n")]


@pytest.fixture
def child(tmp_path, bundle):
    (tmp_path / "batch.onnx").write_bytes(bundle.files[BATCH_FILE])
    code = textwrap.dedent(CHILD).replace("{part_rows}", str(PART_ROWS))
    names = ("batch.onnx", "in.parquet", "out.parquet", "scored.txt")

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", code, *(str(tmp_path / name) for name in names)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"ready\n"
        return process

    return start


def killed_at(process, parts, folder):
    """Kill the run once it has finished some parts; returns whether it was still running."""
    while process.poll() is None and len(journal(folder)) < parts:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_runs_killed_at_any_moment_lose_no_row_and_score_no_noted_part_again(child, run, tmp_path):
    frame = sample.applicants(ROWS, seed=9)
    frame.loc[::97, "housing"] = "castle"
    table = pa.Table.from_pandas(frame)
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=3000)
    moments = sorted(random.Random(4).sample(range(1, PARTS - 5), 6))
    kills = 0

    for moment in moments:
        before = {line["part"]: line for line in journal(tmp_path)}
        kills += killed_at(child(), moment, tmp_path)
        after = journal(tmp_path)
        assert len({line["part"] for line in after}) == len(after), "a part was noted twice"
        assert before.items() <= {line["part"]: line for line in after}.items()
    noted = len(journal(tmp_path))
    scored = (tmp_path / "scored.txt").read_text().count("\n")
    last = child()
    assert last.wait(60) == 0
    last.stdout.close()

    assert kills == len(moments)
    scored_last = (tmp_path / "scored.txt").read_text().count("\n") - scored
    assert scored_last == PARTS - noted
    run("in.parquet", "at-once.parquet", part_rows=PART_ROWS)
    for kind in ("", ".rejected"):
        whole = parquet.read_table(tmp_path / f"at-once{kind}.parquet")
        assert parquet.read_table(tmp_path / f"out{kind}.parquet").equals(whole)
    ids = parquet.read_table(tmp_path / "out.parquet")["id"].to_pylist()
    assert ids == [str(i) for i in range(ROWS) if i % 97]
    assert not list(tmp_path.glob("*.parts*"))


class InterruptedRunError(Exception):
    pass


@pytest.fixture
def begun(start, tmp_path):
    """A run that was interrupted after two of its parts."""
    sample.applicants(2000, seed=1).to_parquet(tmp_path / "in.parquet")

    def give_up(done, _total):
        if done >= 512:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        start("in.parquet").run(give_up)
    return tmp_path / "out.parquet.parts"


def test_finished_parts_are_kept_and_counted(begun, run):
    summary = run("in.parquet")

    assert (summary.rows, summary.resumed) == (2000, 512)
    assert not begun.exists()


def test_a_csv_file_goes_on_where_it_was(start, run, tmp_path):
    sample.applicants(2000, seed=1).to_csv(tmp_path / "in.csv", index=False)
    seen = []

    def give_up(done, _total):
        seen.append(done)
        if done >= 1024:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        start("in.csv").run(give_up)
    summary = run("in.csv")

    assert summary.resumed == seen[-1]
    ids = parquet.read_table(tmp_path / "out.parquet")["id"].to_pylist()
    assert ids == [str(i) for i in range(2000)]


def test_another_input_is_refused_without_restart(begun, run, tmp_path):
    sample.applicants(2000, seed=2).to_parquet(tmp_path / "in.parquet")

    with pytest.raises(BatchError, match=r"unfinished run with another input: .* --restart"):
        run("in.parquet")

    assert run("in.parquet", restart=True).resumed == 0


def test_another_version_is_refused_by_its_name(begun, run, bundle):
    other = sample.bundle("logistic_regression")
    model = BatchModel(onnxruntime.InferenceSession(other.files[BATCH_FILE]), "", "applicant")

    with pytest.raises(BatchError, match=f"another version, graph .{bundle.version}."):
        run("in.parquet", of=model)


def test_other_options_are_refused(begun, run):
    with pytest.raises(BatchError, match="another choice of reasons"):
        run("in.parquet", reasons=True)


def test_a_part_that_is_gone_is_scored_again(begun, run, tmp_path):
    noted = journal(tmp_path)[0]["part"]
    (begun / f"part-{noted:06d}.parquet").unlink()

    assert run("in.parquet").resumed == 256


def test_half_a_line_at_the_end_of_the_journal_is_forgotten(begun, run):
    with open(begun / "journal.jsonl", "ab") as file:
        file.write(b'{"part": 2, "ro')

    assert run("in.parquet").rows == 2000


def test_two_runs_at_once_are_refused(start, run, tmp_path):
    sample.applicants(600, seed=1).to_parquet(tmp_path / "in.parquet")

    def at_once(_done, _total):
        with pytest.raises(BatchError, match="another run is using"):
            run("in.parquet")

    assert start("in.parquet").run(at_once).rows == 600
