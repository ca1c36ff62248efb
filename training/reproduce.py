"""Trains a version again from its manifest and reports any difference.

Two versions are the same if their graphs are, apart from the stamped id and time. Tuned parameters
are taken from the manifest; the study is not run again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import ModelProto, numpy_helper

from scoreline.core.contract import Contract
from scoreline.core.errors import DatasetError, InvalidRequestError
from scoreline.core.versions import BATCH_FILE, MANIFEST_FILE, MODEL_FILE, digest
from scoreline.definition.files import restore_definition
from training.data.files import DataFile
from training.data.load import read_dataset
from training.environment import environment
from training.export.metadata import with_metadata
from training.train import train_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from onnx import NodeProto, TensorProto

GRAPHS = (MODEL_FILE, BATCH_FILE)
STAMPED = ("version", "trained_at")
# Sections of the manifest that depend on graphs and data only, in the order of training.
COMPARED = (
    *("dataset", "parameters", "calibration", "metrics", "states", "reference", "parity"),
    "golden",
)
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """A recorded value and the value found now."""

    part: str
    recorded: str
    found: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The result of training again.

    Attributes
    ----------
    recorded, found : SHA-256 of the graphs; found is None where training could not start
    differences : in the order of training
    """

    recorded: str
    found: str | None
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether the graphs are bit for bit the same."""
        return self.recorded == self.found


def reproduce(
    manifest: Mapping[str, Any],
    files: Mapping[str, bytes],
    progress: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Train a version again.

    Parameters
    ----------
    manifest : of the version
    files : its `model.onnx` and `batch.onnx`

    Raises
    ------
    DefinitionError
        The recorded definition is not valid in this release.
    InvalidRequestError
        The version does not record the digests of its data files.
    """
    sources = manifest["dataset"].get("sources")
    if sources is None:
        raise InvalidRequestError("the version does not record the digests of its data files")
    recorded = graphs_digest(files)
    definition = restore_definition(manifest["definition"])
    differences = [
        *_compared("environment", manifest["environment"], environment()),
        *_compared("definition_digest", manifest["definition_digest"], definition.digest),
    ]
    progress("reading the recorded files")
    data = [DataFile.recorded(source) for source in sources]
    changed = list(_changed_files(data, sources))
    if changed:
        return Reproduction(recorded, None, [*differences, *changed])
    bundle = train_on(
        read_dataset(definition, data),
        definition,
        manifest["dataset"]["path"],
        study=manifest.get("tuning"),
        progress=progress,
    )
    found = graphs_digest(bundle.files)
    if found != recorded:
        again = json.loads(bundle.files[MANIFEST_FILE])
        for section in COMPARED:
            differences += _compared(section, manifest.get(section), again.get(section))
        for name in GRAPHS:
            differences += _graph_difference(name, files[name], bundle.files[name])
    return Reproduction(recorded, found, differences)


def graphs_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of a version's graphs without their stamps."""
    return digest(b"".join(_unstamped(files[name])[0] for name in GRAPHS))


def _unstamped(content: bytes) -> tuple[bytes, ModelProto]:
    """A graph without its stamp, with its contract in the form of this release.

    An earlier release writes a contract without fields that were added since; it means the same as
    one in which these fields have their defaults.
    """
    model = ModelProto.FromString(content)
    metadata = _metadata(model)
    kept = {key: value for key, value in metadata.items() if key not in STAMPED}
    kept["contract"] = Contract.from_json(kept["contract"]).to_json()
    unstamped = with_metadata(model, kept)
    return unstamped, ModelProto.FromString(unstamped)


def _metadata(model: ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _changed_files(
    files: Sequence[DataFile], recorded: Sequence[Mapping[str, str]]
) -> Iterator[Difference]:
    for file, source in zip(files, recorded, strict=True):
        try:
            found = digest(file.read())
        except DatasetError:
            found = ABSENT
        if found != source["sha256"]:
            yield Difference(f"data: {file.name}", source["sha256"][:16], found[:16])


def _compared(path: str, recorded: Any, found: Any) -> list[Difference]:
    """The first difference of a section, or every difference of the environment."""
    pairs = _differing(path, recorded, found)
    shown = islice(pairs, None if path == "environment" else 1)
    return [Difference(part, _short(a), _short(b)) for part, a, b in shown]


def _differing(path: str, recorded: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """Path, recorded and found value of every difference."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in recorded:
            yield from _differing(f"{path}.{key}", recorded[key], found.get(key))
    elif isinstance(recorded, list) and isinstance(found, list):
        for number, pair in enumerate(zip_longest(recorded, found)):
            yield from _differing(f"{path}.{number}", *pair)
    elif recorded != found:
        yield path, recorded, found


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 64 else f"{text[:61]}..."


def _graph_difference(name: str, recorded: bytes, found: bytes) -> list[Difference]:
    """The first node, constant or part of the contract in which two graphs differ."""
    (old_bytes, old), (new_bytes, new) = _unstamped(recorded), _unstamped(found)
    if old_bytes == new_bytes:
        return []
    for number, nodes in enumerate(zip_longest(old.graph.node, new.graph.node), start=1):
        if nodes[0] != nodes[1]:
            return [Difference(f"{name}: node {number}", *map(_operator, nodes))]
    for tensors in zip_longest(old.graph.initializer, new.graph.initializer):
        if tensors[0] != tensors[1]:
            number = next(t for t in tensors if t is not None).name
            return [Difference(f"{name}: constant {number}", *_numbers(*tensors))]
    contracts = [json.loads(_metadata(model)["contract"]) for model in (old, new)]
    return _compared(f"{name}: contract", *contracts)


def _operator(node: NodeProto | None) -> str:
    return ABSENT if node is None else f"{node.op_type} to {', '.join(node.output)}"


def _numbers(recorded: TensorProto | None, found: TensorProto | None) -> tuple[str, str]:
    """The first numbers in which two tensors differ, or their shapes."""
    if recorded is None or found is None:
        return str((recorded and recorded.dims) or ABSENT), str((found and found.dims) or ABSENT)
    arrays = numpy_helper.to_array(recorded), numpy_helper.to_array(found)
    if arrays[0].shape != arrays[1].shape:
        return f"shape {arrays[0].shape}", f"shape {arrays[1].shape}"
    are_nan = np.isnan(arrays[0]) & np.isnan(arrays[1])
    differs = np.flatnonzero((arrays[0] != arrays[1]) & ~are_nan)
    first = differs[0] if len(differs) else 0
    more = f" (the first of {len(differs)})"
    return str(arrays[0].ravel()[first]) + more, str(arrays[1].ravel()[first])
