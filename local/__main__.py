"""`python -m local`: run the whole system until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local.environment import aws_variables
from local.stack import AWS_PORT, HTTP_PORT, STATE_DIR, Stack, StackError, stop_on_signals
from local.template import TEMPLATE_PATH


def main() -> int:
    """Start, say where, and wait."""
    parser = argparse.ArgumentParser(prog="python -m local", description="Scoreline on a laptop")
    parser.add_argument("--http-port", type=int, default=HTTP_PORT, help="%(default)s")
    parser.add_argument("--aws-port", type=int, default=AWS_PORT, help="%(default)s")
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="%(default)s")
    parser.add_argument("--template", type=Path, default=TEMPLATE_PATH, help="%(default)s")
    args = parser.parse_args()
    stop_on_signals()
    stack = Stack(args.http_port, args.aws_port, args.state_dir, args.template)
    try:
        with stack:
            print(describe(stack), flush=True)
            problem = stack.wait()
    except StackError as error:
        print(f"scoreline: {error}", file=sys.stderr)
        return 2
    print(f"scoreline: {problem}", file=sys.stderr)
    return 1


def describe(stack: Stack) -> str:
    """Addresses, and the lines that let boto3 and the AWS CLI reach the stack."""
    variables = aws_variables(aws_url=stack.aws_url, http_url=stack.http_url)
    exports = "\n".join(f"  export {name}={value}" for name, value in variables.items())
    return (
        f"Scoreline runs. Ctrl-C stops it.\n\n"
        f"  HTTP     {stack.http_url}\n"
        f"  Docs     {stack.http_url}/docs\n"
        f"  AWS      {stack.aws_url}\n"
        f"  State    {stack.state_dir}\n"
        f"  Logs     {stack.state_dir / 'logs'}\n\n"
        f"For boto3 and the AWS CLI:\n{exports}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
