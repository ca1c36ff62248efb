"""`python -m local`: run the whole system until Ctrl-C, without training anything."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local.environment import AWS_PORT, HTTP_PORT
from local.errors import StackError
from local.stack import STATE_DIR, Stack, stop_on_signals
from local.template import TEMPLATE_PATH


def main() -> int:
    """Start the stack, print its addresses, and wait."""
    parser = argparse.ArgumentParser(prog="python -m local", description="Scoreline on a laptop")
    parser.add_argument("--http-port", type=int, default=HTTP_PORT, help="%(default)s")
    parser.add_argument("--aws-port", type=int, default=AWS_PORT, help="%(default)s")
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="%(default)s")
    parser.add_argument("--template", type=Path, default=TEMPLATE_PATH, help="%(default)s")
    args = parser.parse_args()
    stop_on_signals()
    try:
        with Stack(args.http_port, args.aws_port, args.state_dir, args.template) as stack:
            print(stack.describe(), flush=True)
            problem = stack.wait()
    except StackError as error:
        problem = str(error)
    print(f"scoreline: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
