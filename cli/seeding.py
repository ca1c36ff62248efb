"""The first version of every model in a local stack, trained on real data if there is any.

`scoreline serve` runs this module in a process of its own, in the environment of its stack.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cli.deployment import Deployment
from cli.seed_data import MODELS, find_data
from local.child import end_with_parent
from local.environment import STAGE, user_arn, without_aws
from local.template import ROOT
from scoreline.core.errors import ScorelineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.seed_data import Progress
    from local.stack import Stack
    from training.train import Bundle

REASON = "first version of the local stack"
TRAINED_BY = user_arn("seeding")  # not the user, who may therefore promote the version


@contextmanager
def seeding(stack: Stack) -> Iterator[None]:
    """Seed a stack in the background; the process ends with the context at the latest."""
    environment = {**without_aws(os.environ), **stack.environment}
    if "DATA_DIR" in environment:
        environment["DATA_DIR"] = str(Path(environment["DATA_DIR"]).resolve())
    # a process, since training in this one would delay the watch over the stack and Ctrl-C
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.seeding"], cwd=ROOT, env=environment, stdin=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        assert process.stdin is not None  # noqa: S101
        process.stdin.close()


def seed_all(deployment: Deployment, progress: Progress) -> bool:
    """Seed the models that have no champion, one after the other; whether all have one now."""
    pointers = deployment.registry.pointers()
    complete = True
    for model in (name for name in MODELS if name not in pointers):
        try:
            seed(deployment, model, partial(_report, progress, model))
        except ScorelineError as error:
            progress(f"{model}: {error.message}; the next start tries again")
            complete = False
    return complete


def _report(progress: Progress, model: str, step: str) -> None:
    progress(f"{model}: {step}")


def seed(deployment: Deployment, model: str, progress: Progress) -> None:
    """Put data into the bucket, train, promote, and route the model's bank to it."""
    with TemporaryDirectory(prefix="scoreline-seed-") as folder:
        put_data(deployment, model, Path(folder), progress)
    bundle = _train_and_publish(deployment, model, progress)
    version, is_rejected = bundle.version, bundle.status == "rejected"
    progress("promoting although gates reject it" if is_rejected else "promoting")
    deployment.promotions.promote(
        model,
        version,
        who=deployment.who,
        reason=f"{REASON}, to try out although gates reject it" if is_rejected else REASON,
        override=is_rejected,
    )
    _route(deployment, model, MODELS[model].bank)
    progress(f"{version} serves")


def _train_and_publish(deployment: Deployment, model: str, progress: Progress) -> Bundle:
    from scoreline.core.datasets import dataset_uri
    from scoreline.definition.files import load_definition
    from training.incumbents.champion import read_incumbents
    from training.train import train

    registry, definition = deployment.registry, load_definition(model)
    bundle = train(
        definition,
        dataset_uri(definition.dataset, registry.settings.bucket),
        trained_by=TRAINED_BY,
        incumbents=read_incumbents(registry, model),
        progress=progress,
    )
    progress("publishing")
    registry.publish(model, bundle.version, bundle.files)
    return bundle


def put_data(deployment: Deployment, model: str, folder: Path, progress: Progress) -> None:
    """Upload the model's dataset, or build its customers' features from their tables."""
    import boto3

    path = find_data(model, folder, progress)
    progress(f"uploading {path.name}")
    if path.is_dir():
        _build_features(deployment, model, path)
    else:
        bucket, key = deployment.registry.settings.bucket, f"datasets/{model}/{path.name}"
        boto3.client("s3").upload_file(str(path), bucket, key)


def _build_features(deployment: Deployment, model: str, tables: Path) -> None:
    from cli.features import build_features
    from features.catalogue import load_pipeline

    settings = deployment.registry.settings
    build_features(load_pipeline(model), str(tables), "", settings, online=True)


def _route(deployment: Deployment, model: str, bank: str) -> None:
    """Add a bank; the first model of the stack also answers requests without a bank."""
    from scoreline.core.versions import Routing

    present = deployment.routings.show()
    default = present["default"]
    # a default that has never been promoted comes from the template, not from the user
    if default not in deployment.registry.pointers():
        default = model
    routing = Routing(default, {**present["banks"], bank: model})
    deployment.routings.change(
        routing, who=deployment.who, reason=REASON, expected=present["sequence"]
    )


def main() -> int:
    """Seed the stack that the environment names, and report each step on standard error."""
    end_with_parent(lambda: os._exit(1))
    started = time.monotonic()

    def report(step: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {step}", file=sys.stderr, flush=True)

    return 0 if seed_all(Deployment.connect(STAGE), report) else 1


if __name__ == "__main__":
    sys.exit(main())
