"""Applications over HTTP: the local stack beside the service that tutorials deploy.

Run with `python -m bench.http`; writes bench/results/http.json and .md. Needs wrk. All serve the
same applications with 300 trees of depth 4, in two processes each, and one at a time is asked for a
few seconds. Flask runs twice: as tutorials deploy it, where each worker's XGBoost has as many
threads as there are processors, and with one thread in each, which is what it should have.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pyarrow as pa
from pyarrow.csv import write_csv

from bench import contenders
from bench.contenders import BENCH_PYTHON, MODEL, PEERS, applications, bundle
from bench.report import contenders_table, figures, in_turns, write
from cli.deployment import Deployment, use_stack
from local.emulator import free_port, wait_until_listening
from local.environment import STAGE
from local.stack import Stack
from scoreline.core.versions import Routing
from training.generators import registry as generators

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEPTH, ROUNDS, WORKERS, BODIES = 4, 5, 2, 200
ALONE, CROWD = {"connections": 1, "seconds": 1}, {"connections": 16, "seconds": 2}
PATIENCE_S = 20
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
OURS = "Scoreline's local stack, with reasons"
FLASK = {
    "Flask, pandas and XGBoost under gunicorn, as tutorials deploy it": {},
    "the same with OMP_NUM_THREADS=1": {"OMP_NUM_THREADS": "1"},
}
COLUMNS = {
    "requests_per_s": f"requests/s of {CROWD['connections']} clients",
    "processor_ms": "processor ms a request",
    "times_ours": "processor, times ours",
    "median_ms": "median ms of one client",
    "p99_ms": "p99 ms of one client",
}
SCRIPT = """
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
local bodies, i = {{ {bodies} }}, 0
request = function() i = i % #bodies + 1; return wrk.format(nil, nil, nil, bodies[i]) end
done = function(summary, latency)
  io.write(string.format("FIGURES %d %f %f %f %d %d\\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def load(url: str, script: Path, connections: int, seconds: int) -> dict[str, float]:
    """Closed-loop load by wrk, all requests answered by 200; the other services are idle."""
    options = [f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE_S}s", "--script", script]
    before = processor_s(os.getpid())
    done = subprocess.run(
        ["wrk", "-t1", *options, url], stdout=subprocess.PIPE, text=True, check=True
    )
    [values] = re.findall(r"FIGURES (.+)", done.stdout)
    requests, duration, median, p99, refused, broken = (float(value) for value in values.split())
    assert refused == broken == 0, done.stdout
    return {
        "requests_per_s": requests / duration,
        "processor_ms": 1e3 * (processor_s(os.getpid()) - before) / requests,
        "median_ms": median,
        "p99_ms": p99,
    }


def processor_s(pid: int) -> float:
    """Processor seconds of a process and of all that it has started, as far as they run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S + sum(map(processor_s, children))


@contextmanager
def stack(folder: Path) -> Iterator[str]:
    """The local stack with the model; address of its scoring route."""
    with Stack(0, 0, folder / "stack", fronts=WORKERS) as running:
        use_stack(aws_url=running.aws_url, http_url=running.http_url)
        deployment, made = Deployment.connect(STAGE), bundle(DEPTH)
        deployment.registry.publish(MODEL, made.version, made.files)
        deployment.registry.write_routing(Routing(MODEL, {}))
        deployment.promotions.promote(MODEL, made.version, who="bench", reason="bench")
        yield f"{running.http_url}/predict"


@contextmanager
def flask(folder: Path, threads: Mapping[str, str]) -> Iterator[str]:
    """Flask's service under gunicorn; address of its scoring route."""
    port = free_port()
    options = ["--no-control-socket", f"--workers={WORKERS}", f"--bind=127.0.0.1:{port}"]
    environ = {"MODEL_PATH": str(folder / "trees.json"), "DATA_PATH": str(folder / "loans.csv")}
    command = [BENCH_PYTHON, "-m", "gunicorn", *options, f"--chdir={PEERS}", "tutorial_service:app"]
    environ = {**os.environ, **environ, **threads}
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_listening(f"127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}/predict"
        finally:
            process.terminate()


def asked(url: str, script: Path) -> dict[str, float]:
    """Latency for one client; requests per second and processor time of many."""
    alone, crowd = (load(url, script, **clients) for clients in (ALONE, CROWD))
    return {**alone, **{key: crowd[key] for key in ("requests_per_s", "processor_ms")}}


def measure(folder: Path) -> dict[str, list[dict[str, float]]]:
    """Figures of each service, round by round."""
    script = folder / "requests.lua"
    bodies = ", ".join(f"[==[{json.dumps(body)}]==]" for body in applications(BODIES))
    script.write_text(SCRIPT.format(bodies=bodies))
    rows = generators.generate(MODEL, contenders.TRAINING_ROWS, 1)
    write_csv(pa.concat_tables(rows), folder / "loans.csv")
    contenders.pipeline(DEPTH)[-1].save_model(folder / "trees.json")
    with ExitStack() as up:
        urls = {OURS: up.enter_context(stack(folder))}
        urls |= {name: up.enter_context(flask(folder, threads)) for name, threads in FLASK.items()}
        for url in urls.values():  # gunicorn listens before its workers have loaded the model
            httpx.post(url, json=applications(1)[0], timeout=PATIENCE_S).raise_for_status()
        return in_turns({name: partial(asked, url, script) for name, url in urls.items()}, ROUNDS)


def main() -> None:
    """Measure, print and write."""
    with TemporaryDirectory() as folder:
        found = measure(Path(folder))
    results = figures(found, times_ours=("processor_ms", OURS))
    title = f"over HTTP, {WORKERS} processes each"
    text = contenders_table(title, results, COLUMNS)
    write("http", results, text, alone=ALONE, crowd=CROWD)


if __name__ == "__main__":
    main()
