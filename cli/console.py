"""Where the command line writes: results to standard output, progress to standard error."""

from __future__ import annotations

import sys

from rich.console import Console

out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True)
