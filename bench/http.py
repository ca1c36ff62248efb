"""Applications over HTTP: the local stack beside the services that people deploy, on one machine.

Run with `make bench`; needs wrk (Debian: apt-get install wrk) and .venv-bench. Writes
bench/results/http.json and .md. All serve the same loan applications with 300 trees of depth 4;
ours answers with score, decision and reasons, the others with a probability. All are up, and one at
a time is asked, with wrk's four connections on the same machine: read the ratios.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx

from bench.contenders import MODEL, TRAINING_ROWS, applications, bundle, definition
from bench.report import in_turns, ratios, shown, spread, table, write
from cli.deployment import Deployment, use_stack
from functions.shared.versions import Routing
from local.environment import STAGE
from local.stack import Stack
from local.template import ROOT
from training.generators import registry as generators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PEERS = Path(__file__).parent / "peers"
BIN = ROOT / ".venv-bench" / "bin"
ROUNDS = 5
SECONDS = 5
CONNECTIONS = 4
WORKERS = 2
OURS = "Scoreline's local stack, with reasons"
FLASK = f"Flask, pandas and XGBoost, {WORKERS} gunicorn workers"
MLFLOW = f"mlflow models serve, {WORKERS} workers"
SCRIPT = """
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
local bodies, i = {{ {bodies} }}, 0
request = function() i = i % #bodies + 1; return wrk.format(nil, nil, nil, bodies[i]) end
done = function(summary, latency)
  io.write(string.format("FIGURES %f %f %f %d %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def load(url: str, script: Path) -> dict[str, float]:
    """Requests per second and latencies in ms under wrk, all of which must succeed."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"FIGURES (\S+) (\S+) (\S+) (\d+) (\d+)", done.stdout)
    assert found, done.stdout
    rate, median, p99, refused, broken = (float(value) for value in found.groups())
    assert refused == broken == 0, done.stdout
    return {"requests_per_second": rate, "median_ms": median, "p99_ms": p99}


def script(folder: Path, name: str, bodies: list[Any]) -> Path:
    """The requests of one service, as wrk reads them."""
    path = folder / f"{name}.lua"
    quoted = ", ".join(f"[==[{json.dumps(body)}]==]" for body in bodies)
    path.write_text(SCRIPT.format(bodies=quoted))
    return path


@contextmanager
def stack(folder: Path) -> Iterator[str]:
    """The local stack with the model; address of its scoring route."""
    with Stack(0, 0, folder / "stack") as running:
        use_stack(aws_url=running.aws_url, http_url=running.http_url)
        deployment, made = Deployment.connect(STAGE), bundle(4)
        deployment.registry.publish(MODEL, made.version, made.files)
        deployment.registry.write_routing(Routing(MODEL, {}))
        deployment.promotions.promote(MODEL, made.version, who="bench", reason="bench")
        yield f"{running.http_url}/predict"


@contextmanager
def service(command: list[str], port: int, environ: Mapping[str, str], log: Path) -> Iterator[None]:
    """A peer's process, ready; XGBoost in each of its workers has one thread."""
    path = f"{BIN}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", **environ}
    with (
        open(log, "wb") as output,
        subprocess.Popen(command, env=environ, cwd=PEERS, stdout=output, stderr=output) as process,
    ):
        try:
            wait_until_answering(port, process, log)
            yield
        finally:
            process.terminate()


def wait_until_answering(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something answers HTTP on a port, whatever it says."""
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(log.read_text())


def codes(application: Mapping[str, Any]) -> dict[str, Any]:
    """An application with category codes, as mlflow's model takes it."""
    categories = {f.name: f.categories for f in definition(4).inputs if f.categories}
    numbers = {
        name: sorted(categories[name]).index(value) if name in categories else value
        for name, value in application.items()
    }
    return {"dataframe_split": {"columns": [*numbers], "data": [[*numbers.values()]]}}


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def contenders(folder: Path) -> Iterator[dict[str, Callable[[], dict[str, float]]]]:
    """All services, up and idle until it is their turn."""
    data, saved = folder / "loans.parquet", folder / "mlflow"
    generators.write(data, generators.generate(MODEL, TRAINING_ROWS, 1))
    save = [BIN / "python", PEERS / "save_mlflow.py", data, saved]
    subprocess.run(save, check=True, capture_output=True)
    requests = applications(200)
    plain = script(folder, "applications", requests)
    coded = script(folder, "codes", [codes(application) for application in requests])
    flask, mlflow = free_port(), free_port()
    workers = ["--workers", str(WORKERS)]
    gunicorn = ["gunicorn", *workers, "--bind", f"127.0.0.1:{flask}", "tutorial_service:app"]
    serve = ["mlflow", "models", "serve", "--model-uri", str(saved), "--env-manager", "local"]
    with ExitStack() as up:
        ours = up.enter_context(stack(folder))
        up.enter_context(service(gunicorn, flask, {"PEER_DATA": str(data)}, folder / "flask.log"))
        up.enter_context(
            service([*serve, *workers, "--port", str(mlflow)], mlflow, {}, folder / "mlflow.log")
        )
        yield {
            OURS: partial(load, ours, plain),
            FLASK: partial(load, f"http://127.0.0.1:{flask}/predict", plain),
            MLFLOW: partial(load, f"http://127.0.0.1:{mlflow}/invocations", coded),
        }


def main() -> None:
    """Measure, print and write."""
    assert shutil.which("wrk"), "wrk is not installed"
    with TemporaryDirectory() as folder, contenders(Path(folder)) as calls:
        found = in_turns(calls, ROUNDS)
    columns = ("requests_per_second", "median_ms", "p99_ms")
    rates = {name: [one["requests_per_second"] for one in runs] for name, runs in found.items()}
    results = {
        name: {column: spread([one[column] for one in runs]) for column in columns}
        | {"ours_times": ratios(rates[OURS], rates[name])}
        for name, runs in found.items()
    }
    lines = [
        [name, *(shown(one[column]) for column in (*columns, "ours_times"))]
        for name, one in results.items()
    ]
    head = ["over HTTP", "requests/s", "median ms", "p99 ms", "ours is so many times faster"]
    write("http", results, table(head, lines))


if __name__ == "__main__":
    main()
