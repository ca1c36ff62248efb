"""Applications over HTTP: the local stack beside the services that people deploy, on one machine.

Run with `python -m bench.http`; needs .venv-bench, which `make bench` makes. Writes
bench/results/http.json and .md. All serve the same loan applications with 300 trees of depth 4, in
two processes each; ours answers with score, decision and reasons, the others with a probability.
All are up, and one at a time is asked, for a few seconds from the same machine: by one connection,
which tells the latency, and by many, which tell the throughput. Read the ratios.

Flask's service runs twice: as tutorials deploy it, where each worker's XGBoost has as many threads
as there are processors, and with one thread in each, which is what it should have.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.contenders import MODEL, TRAINING_ROWS, applications, bundle, definition
from bench.load import Load, generator
from bench.report import in_turns, ratios, shown, spread, table, write
from bench.services import BIN, START_S, service, wait_until_answering
from cli.deployment import Deployment, use_stack
from local.emulator import free_port
from local.environment import STAGE
from local.stack import Stack
from scoreline.core.versions import Routing
from training.generators import registry as generators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PEERS = Path(__file__).parent / "peers"
DEPTH = 4
ROUNDS = 5
WORKERS = 2
BODIES = 200
OURS = "Scoreline's local stack, with reasons"
FLASK = "Flask, pandas and XGBoost under gunicorn, as tutorials deploy it"
FLASK_ALONE = "the same with OMP_NUM_THREADS=1"
MLFLOW = "mlflow models serve, OMP_NUM_THREADS=1"
ALONE, CROWD = Load(connections=1, seconds=1), Load(connections=16, seconds=2)
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


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


def codes(application: Mapping[str, Any]) -> dict[str, Any]:
    """An application with category codes, as mlflow's model takes it."""
    categories = {f.name: f.categories for f in definition(DEPTH).inputs if f.categories}
    numbers = {
        name: sorted(categories[name]).index(value) if name in categories else value
        for name, value in application.items()
    }
    return {"dataframe_split": {"columns": [*numbers], "data": [[*numbers.values()]]}}


@contextmanager
def contenders(folder: Path) -> Iterator[dict[str, Callable[[], dict[str, float]]]]:
    """All services, up and idle until it is their turn."""
    data = folder / "loans.parquet"
    generators.write(data, generators.generate(MODEL, TRAINING_ROWS, 1))
    save = [BIN / "python", "-W", "ignore", PEERS / "save_models.py", data, folder]
    environ = {**os.environ, **ONE_THREAD}  # two threads each wait for others on a busy machine
    subprocess.run(save, env=environ, check=True, timeout=START_S)
    ports = {name: free_port() for name in (FLASK, FLASK_ALONE, MLFLOW)}
    gunicorn = [
        "gunicorn",
        "--no-control-socket",
        f"--workers={WORKERS}",
        f"--chdir={PEERS}",
        "tutorial_service:app",
    ]
    serve = ["mlflow", "models", "serve", "--env-manager=local", f"--workers={WORKERS}"]
    commands = {
        FLASK: [*gunicorn, f"--bind=127.0.0.1:{ports[FLASK]}"],
        FLASK_ALONE: [*gunicorn, f"--bind=127.0.0.1:{ports[FLASK_ALONE]}"],
        MLFLOW: [*serve, f"--model-uri={folder / 'mlflow'}", f"--port={ports[MLFLOW]}"],
    }
    paths = {FLASK: "predict", FLASK_ALONE: "predict", MLFLOW: "invocations"}
    plain = applications(BODIES)
    bodies = {FLASK: plain, FLASK_ALONE: plain, MLFLOW: [codes(one) for one in plain]}
    with ExitStack() as up:
        for number, (name, command) in enumerate(commands.items()):
            environ = {
                "MODEL_PATH": str(folder / "flask.json"),
                "DATA_PATH": str(data),
                **({} if name == FLASK else ONE_THREAD),
            }
            up.enter_context(service(command, folder / f"{number}.log", environ))
        ours = up.enter_context(stack(folder))
        for port in ports.values():
            wait_until_answering(port)
        script = folder / "requests.lua"
        yield {OURS: partial(asked, ours, plain, script)} | {
            name: partial(asked, f"http://127.0.0.1:{port}/{paths[name]}", bodies[name], script)
            for name, port in ports.items()
        }


def asked(url: str, bodies: list[Any], script: Path) -> dict[str, float]:
    """Latency for one client, and requests per second of many."""
    alone, crowd = (load.on(url, bodies, script) for load in (ALONE, CROWD))
    return {**alone, "requests_per_second": crowd["requests_per_second"]}


def main() -> None:
    """Measure, print and write."""
    with TemporaryDirectory() as folder, contenders(Path(folder)) as calls:
        found = in_turns(calls, ROUNDS)
    columns = ("requests_per_second", "median_ms", "p99_ms")
    results = {
        name: {column: spread([one[column] for one in runs]) for column in columns}
        for name, runs in found.items()
    }
    for name, runs in found.items():
        rates = ([one["requests_per_second"] for one in side] for side in (found[OURS], runs))
        results[name]["ours_times"] = ratios(*rates)
    lines = [
        [name, *(shown(one[column]) for column in (*columns, "ours_times"))]
        for name, one in results.items()
    ]
    head = [f"over HTTP, {WORKERS} processes each", f"requests/s of {CROWD.connections} clients"]
    head += ["median ms of one", "p99 ms of one", "ours answers so many times as many"]
    loads = {"generator": generator(), "loads": [asdict(ALONE), asdict(CROWD)]}
    write("http", {**loads, "services": results}, table(head, lines))


if __name__ == "__main__":
    main()
