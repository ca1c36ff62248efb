"""A worker that processes one message of the training queue and may be killed on the way.

    KILL_AT="before-call.s3.PutObject 2" python -m tests.killable

ends by SIGKILL at the second call of PutObject; `train 1` ends in the middle of training. Real are
the queue, the handler, the jobs and the publishing; REAL=1 makes the training real as well.
"""

import os
import signal
from types import SimpleNamespace

import boto3

from functions.train.handler import handle
from functions.train.trainer import Trainer
from local.environment import read_template
from local.template import Function
from local.worker import poll
from scoreline.aws.registry import ModelRegistry
from scoreline.core.settings import Settings

FILES = {"model.onnx": b"1", "batch.onnx": b"2", "report.html": b"3", "manifest.json": b"{}"}


def handler(event, _context):
    registry = ModelRegistry.connect(Settings.from_env())
    if os.environ.get("REAL"):
        return handle(event, Trainer(registry))
    return handle(event, Trainer(registry, lambda *_: SimpleNamespace(dataset=""), train))


def train(_definition, _path, *, trained_by, incumbents, progress):
    progress("fitting")
    count("train")
    version = f"20261121T0045{os.getpid() % 60:02}Z-{os.getpid():08x}"
    return SimpleNamespace(version=version, files=FILES, score=0.79, status="candidate")


def count(moment):
    """Kill the process at the occurrence of the moment that KILL_AT names."""
    wanted, times = os.environ.get("KILL_AT", "none 0").split()
    seen[moment] = seen.get(moment, 0) + 1
    if (wanted, int(times)) == (moment, seen[moment]):
        os.kill(os.getpid(), signal.SIGKILL)


seen: dict[str, int] = {}


def main():
    settings = Settings.from_env()
    boto3.setup_default_session()
    moment = os.environ.get("KILL_AT", "none 0").split()[0]
    boto3.DEFAULT_SESSION.events.register(moment, lambda **_: count(moment))
    [function] = (f for f in read_template().functions.values() if f.is_image)
    fields = {name: getattr(function, name) for name in function.__slots__}
    function = Function(**fields | {"handler": "tests.killable.handler"})
    poll(boto3.client("sqs"), settings.train_queue, function)


if __name__ == "__main__":
    from tests import killable  # the handler's module, so that both count together

    killable.main()
