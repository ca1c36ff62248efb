"""Reads CloudFormation's YAML with its short forms: `!Ref x` becomes `{"Ref": "x"}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


class _Loader(yaml.CSafeLoader):
    """A safe loader that knows the short forms."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The document as plain dictionaries, lists and scalars."""
    document: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader
    return document


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - all that the template uses
    return {name if name == "Ref" else f"Fn::{name}": loader.construct_scalar(node)}


_Loader.add_multi_constructor("!", _short_form)
