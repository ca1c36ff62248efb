"""Metadata of ONNX files: contract, version and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import ModelProto, helper

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_metadata(model: ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The model's bytes with these metadata_props; equal input gives equal bytes."""
    copy = ModelProto()
    copy.CopyFrom(model)
    helper.set_model_props(copy, dict(sorted(metadata.items())))
    content: bytes = copy.SerializeToString(deterministic=True)
    return content
