import json
import re

import onnx
import pytest
from onnx import numpy_helper

from scoreline.core.errors import InvalidRequestError
from tests import sample
from training.reproduce import graphs_digest, reproduce
from training.train import train

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path):
    sample.applicants(500).to_parquet(tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def trained(folder, path, text=sample.DEFINITION):
    bundle = train(sample.definition(folder, text), str(path))
    return json.loads(bundle.files["manifest.json"]), bundle.files


@pytest.fixture
def version(tmp_path, path):
    return trained(tmp_path, path)


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [
        ("xgboost", "parameters = { n_estimators = 20 }"),
        ("lightgbm", "parameters = { n_estimators = 20 }"),
        ("random_forest", "parameters = { n_estimators = 30 }"),
        ("gradient_boosting", "parameters = { n_estimators = 20 }"),
        ("logistic_regression", ""),
        ("woe_scorecard", ""),
    ],
)
def test_a_version_is_reproduced_bit_for_bit(tmp_path, path, algorithm, parameters):
    manifest, files = trained(tmp_path, path, sample.with_algorithm(algorithm, parameters))

    again = reproduce(manifest, files)

    assert again.is_same
    assert again.found == graphs_digest(files)
    assert again.differences == []


def test_a_tuned_version_is_reproduced_without_another_search(tmp_path, path):
    text = sample.with_algorithm("xgboost") + "\n[tuning]\ntrials = 3\nfolds = 2\n"
    manifest, files = trained(tmp_path, path, text)
    said = []

    again = reproduce(manifest, files, said.append)

    assert manifest["tuning"]["best_parameters"]
    assert again.is_same
    assert not any("trial" in line for line in said)


def test_a_changed_file_is_named_and_nothing_is_fitted(version, path):
    manifest, files = version
    sample.applicants(501).to_parquet(path)

    again = reproduce(manifest, files)

    assert not again.is_same
    assert again.found is None
    [difference] = again.differences
    assert difference.part == f"data: {path}"
    assert re.fullmatch("[0-9a-f]{16}", difference.found)


def test_a_deleted_file_is_named(version, path):
    manifest, files = version
    path.unlink()

    [difference] = reproduce(manifest, files).differences

    assert (difference.part, difference.found) == (f"data: {path}", "absent")


def test_another_environment_is_reported_even_without_differences(version):
    manifest, files = version
    environment = {**manifest["environment"], "xgboost-cpu": "1.0", "processors": 96}

    again = reproduce({**manifest, "environment": environment}, files)

    assert again.is_same
    assert [(d.part, d.recorded) for d in again.differences] == [
        ("environment.xgboost-cpu", "1.0"),
        ("environment.processors", "96"),
    ]


def test_another_seed_shows_in_the_sections_and_in_the_graphs(version):
    manifest, files = version
    definition = json.loads(json.dumps(manifest["definition"]))
    definition["algorithm"]["parameters"]["random_state"] = 9

    again = reproduce({**manifest, "definition": definition}, files)

    assert not again.is_same
    parts = [difference.part for difference in again.differences]
    assert parts[0] == "definition_digest"
    assert "parameters.random_state" in parts
    assert any(part.startswith("metrics.") for part in parts)
    assert [part.split(":")[0] for part in parts[-2:]] == ["model.onnx", "batch.onnx"]


def test_a_number_changed_in_the_published_graph_is_found(version):
    manifest, files = version
    model = onnx.load_from_string(files["model.onnx"])
    tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    changed = numpy_helper.to_array(tensor).copy()
    changed.flat[7] += 1
    tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))

    again = reproduce(manifest, {**files, "model.onnx": model.SerializeToString()})

    assert not again.is_same
    [difference] = again.differences
    assert difference.part == f"model.onnx: constant {tensor.name}"
    assert difference.recorded.endswith("(the first of 1)")


def test_a_version_without_recorded_sources_is_refused(version):
    manifest, files = version
    del manifest["dataset"]["sources"]

    with pytest.raises(InvalidRequestError, match="does not record"):
        reproduce(manifest, files)


def as_of_an_earlier_release(content):
    """The graph with a contract from before answers had further fields."""
    model = onnx.ModelProto.FromString(content)
    for entry in model.metadata_props:
        if entry.key == "contract":
            contract = json.loads(entry.value)
            del contract["answer"]
            entry.value = json.dumps(contract, separators=(",", ":"))
    return model.SerializeToString(deterministic=True)


def test_a_version_of_an_earlier_release_comes_out_bit_for_bit(version):
    manifest, files = version
    earlier = {name: as_of_an_earlier_release(files[name]) for name in ("model.onnx", "batch.onnx")}
    assert earlier["model.onnx"] != files["model.onnx"]

    again = reproduce(manifest, earlier)

    assert again.is_same
