"""Everything besides data and definition that a version's graphs may depend on."""

from __future__ import annotations

import ast
import os
import platform
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreline.core.versions import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = (
    "scikit-learn",
    "xgboost-cpu",
    "lightgbm",
    "optbinning",
    "optuna",
    "skl2onnx",
    "onnxmltools",
    "onnx",
    "onnxruntime",
)
ROOT = Path(__file__).parents[1]
ENTRY = "training.train"
# Imported by training, but without influence on the graphs.
NOT_IN_GRAPHS = ("training.gates", "training.incumbents", "training.report")


def environment() -> dict[str, Any]:
    """Versions of Python and packages, the digest of our code, and the machine.

    The number of processors is included because sums depend on the number of threads.
    """
    return {
        "python": platform.python_version(),
        **{package: package_version(package) for package in PACKAGES},
        "code": code_digest(),
        "machine": platform.machine(),
        "processors": os.process_cpu_count(),
    }


@cache
def code_digest(root: Path = ROOT) -> str:
    """Digest of the modules that decide the bytes of the graphs: those that training imports."""
    sources = graph_modules(root)
    return digest("".join(digest(sources[name].read_bytes()) for name in sorted(sources)).encode())


def graph_modules(root: Path = ROOT) -> dict[str, Path]:
    """Our modules that ENTRY imports, directly or not, with their files under `root`."""
    found: dict[str, Path] = {}
    pending = [ENTRY]
    while pending:
        name = pending.pop()
        path = _path(root, name)
        if name in found or path is None or name.startswith(NOT_IN_GRAPHS):
            continue
        found[name] = path
        pending += _imports(ast.parse(path.read_bytes()))
    return found


def _path(root: Path, name: str) -> Path | None:
    """File of a module of ours; None for a package, a function or a library."""
    path = root.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _imports(node: ast.AST) -> Iterator[str]:
    """Names that may be modules, except those imported for type checking only."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str() as module, names=names):
            yield module
            yield from (f"{module}.{alias.name}" for alias in names)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child)
