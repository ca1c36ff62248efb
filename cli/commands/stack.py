"""Commands that run the whole system on this machine."""

from __future__ import annotations

import typer

from cli.options import AwsPort, HttpPort, StateDir
from cli.output import stdout
from local.environment import AWS_PORT, HTTP_PORT
from local.errors import StackError
from local.stack import STATE_DIR, Stack, stop_on_signals

app = typer.Typer()


@app.command()
def serve(
    http_port: HttpPort = HTTP_PORT, aws_port: AwsPort = AWS_PORT, state_dir: StateDir = STATE_DIR
) -> None:
    """Run the whole system on this machine until Ctrl-C.

    Models without a version are trained in the background, on real data if DATA_DIR names a folder
    that has it and on invented data otherwise.
    """
    from cli.seeding import seeding

    stop_on_signals()
    with Stack(http_port, aws_port, state_dir) as stack:
        stdout().print(stack.describe())
        with seeding(stack):
            problem = stack.wait()
    raise StackError(problem)


@app.command()
def demo() -> None:
    """Train the demo model, promote it and score over HTTP.

    The local stack runs on free ports in a temporary folder and stops afterwards.
    """
    from cli.demo import run_demo

    stop_on_signals()
    run_demo()
