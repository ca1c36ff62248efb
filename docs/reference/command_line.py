"""The page of the command line, made from the Typer application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli.app import EXIT_CODES, app
from docs.reference.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Command line reference

Every command of `scoreline` with its arguments and options; each shows the same with `--help`.
The commands work on the local stack, or on a deployment if `SCORELINE_STAGE` and the usual AWS
variables name one.

`make install` puts the command into `.venv`. `uv tool install .`, or the wheel that `uv build`
makes, installs it with its dependencies for use in any folder; what the local stack keeps is then
in `.scoreline` of the current folder. `scoreline --install-completion` lets the shell complete
commands, models and the versions of the local stack, and `scoreline --version` prints the
version.

Results go to standard output, with `--json` as one JSON document; progress and remarks go to
standard error.
"""


def page() -> str:
    """The whole page."""
    root: Any = typer.main.get_command(app)
    exit_codes = f"```text\n{EXIT_CODES.removeprefix('\b').strip()}\n```\n"
    return "\n".join([HEAD, exit_codes, *_sections("scoreline", root)])


def _sections(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from _sections(f"{name} {word}", inner)
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, *(_placeholder(argument) for argument in arguments)])
    parts = [f"## {name}", command.help or "", f"```text\n{usage}\n```"]
    rows = [
        _row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)
    ]
    if rows:
        parts.append(table(("argument or option", "default", "meaning"), rows))
    yield "\n\n".join(part.strip() for part in parts) + "\n"


def _placeholder(argument: Any) -> str:
    name: str = argument.name.upper()
    return name if argument.required else f"[{name}]"


def _row(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`", _default(parameter), parameter.help or ""
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(code(name) for name in names), _default(parameter), parameter.help or ""


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = parameter.default() if callable(parameter.default) else parameter.default
    return code(str(default)) if default not in (None, "", False, True) else "none"
