"""Our binding of ONNX Runtime's C API against the Python binding of the same release."""

import gc
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from local.template import ROOT
from scoreline.core.errors import OnnxRuntimeError
from scoreline.definition.algorithms import ALGORITHMS
from scoreline.scoring import capi
from scoreline.scoring.many_rows import open_session
from scoreline.scoring.session import Session
from tests.sample import bundle
from training.graph.builder import GraphBuilder

pytestmark = pytest.mark.slow

KINDS = [
    pytest.param(name, marks=[] if name == "logistic_regression" else pytest.mark.slow)
    for name in ALGORITHMS
]
VALUES = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.sampled_from([-99.0, -1.0])


def model_file(algorithm="logistic_regression"):
    return bundle(algorithm, rows=900).files["model.onnx"]


@cache
def both(algorithm="logistic_regression"):
    """The sample's graph in both bindings."""
    return Session(model_file(algorithm)), open_session(model_file(algorithm))


def bits(values):
    """Values to compare bit by bit, whatever NaN they hold."""
    return np.asarray(values, np.float32).tobytes()


@pytest.mark.parametrize("algorithm", KINDS)
@given(data=st.data())
def test_every_output_is_that_of_the_python_binding_bit_for_bit(algorithm, data):
    ours, theirs = both(algorithm)
    row = st.lists(VALUES, min_size=ours.columns, max_size=ours.columns)
    rows = data.draw(st.lists(row, min_size=1, max_size=40))

    found = ours.run(rows, list(ours.outputs))

    expected = theirs.run(list(ours.outputs), {"X": np.array(rows, np.float32)})
    assert [bits(values) for values in found] == [bits(values) for values in expected]


@pytest.mark.slow
def test_a_graph_describes_itself_as_in_the_python_binding():
    ours, theirs = both()
    metadata = theirs.get_modelmeta().custom_metadata_map

    assert ours.columns == theirs.get_inputs()[0].shape[1]
    assert ours.outputs == {output.name: output.shape[1] for output in theirs.get_outputs()}
    assert {key: ours.metadata(key) for key in metadata} == metadata
    with pytest.raises(KeyError):
        ours.metadata("no such key")


def test_doubles_are_rounded_to_the_nearest_float32():
    session = Session(graph())

    assert session.run([[0.1, 1e39], [1e-50, -0.0]], ["Y"]) == [
        [[float(np.float32(0.1)), float("inf")], [0.0, -0.0]]
    ]


def test_another_model_can_load_and_serve_at_the_same_time():
    content = model_file()
    rows = np.random.default_rng(3).normal(size=(200, both()[0].columns))
    expected = [both()[1].run(["log_odds"], {"X": row[None].astype(np.float32)}) for row in rows]

    def score(i):
        session = both()[0] if i % 2 else Session(content)
        return session.run([rows[i].tolist()], ["log_odds"])

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(score, range(200)))

    assert [bits(f) for f in found] == [bits(e) for e in expected]


def graph(kind=TensorProto.FLOAT, *, inputs=1, shape=("n", 2)):
    """A graph that returns its first input."""
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["X0"], ["Y"])],
            "graph",
            [helper.make_tensor_value_info(f"X{i}", kind, shape) for i in range(inputs)],
            [helper.make_tensor_value_info("Y", kind, shape)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return made.SerializeToString()


def content_of(kind):
    model = model_file()
    return {
        "empty": b"",
        "truncated": model[: len(model) // 2],
        "garbage": b"no model" * 100,
        "no float32": graph(TensorProto.INT64),
        "two inputs": graph(inputs=2),
        "one row only": graph(shape=(1, 2)),
        "any width": graph(shape=("n", "k")),
        "three dimensions": graph(shape=("n", 2, 2)),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "ModelProto|protobuf|input"),
        ("truncated", "protobuf parsing failed"),
        ("garbage", "protobuf parsing failed"),
        ("no float32", "float32 tensors"),
        ("two inputs", "one input"),
        ("one row only", "any number of rows"),
        ("any width", "any number of rows"),
        ("three dimensions", "any number of rows"),
    ],
)
def test_bytes_that_are_not_a_model_are_refused_with_the_reason(kind, message):
    with pytest.raises(OnnxRuntimeError, match=message):
        Session(content_of(kind))


@pytest.mark.parametrize("rows", [[], [[1.0]], [[1.0, 2.0, 3.0]], [[1.0, 2.0], [3.0]]])
def test_rows_of_another_shape_are_refused(rows):
    with pytest.raises(OnnxRuntimeError, match="rows of 2 values"):
        Session(graph()).run(rows, ["Y"])


def test_an_error_in_a_run_has_the_message_of_onnx_runtime_and_the_session_stays_usable():
    builder = GraphBuilder()
    picked = builder.node("Gather", builder.constant([[7.0]]), builder.node("Cast", "X", to=7))
    outputs = {"Y": (builder.node("Reshape", picked, builder.constant([-1, 1], np.int64)), 1)}
    session = Session(bytes(builder.model({"X": 1}, outputs).SerializeToString()))

    with pytest.raises(OnnxRuntimeError, match="indices element out of data bounds"):
        session.run([[3.0]], ["Y"])
    assert session.run([[0.0]], ["Y"]) == [[[7.0]]]


def resident_kb():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


@pytest.mark.long
@pytest.mark.slow
def test_memory_of_sessions_runs_and_errors_is_released():
    content = model_file()

    def work():
        for _ in range(200):
            session = Session(content)
            session.run([[1.0] * session.columns] * 1000, list(session.outputs))
            with pytest.raises(OnnxRuntimeError):
                Session(content[:-500])
        gc.collect()
        return resident_kb()

    work()
    before = work()

    assert work() - before < 5_000


def test_the_version_is_the_one_that_is_locked():
    lock = (ROOT / "functions" / "predict" / "requirements.txt").read_text()

    assert f"onnxruntime=={capi.VERSION} " in lock
    assert onnxruntime.__version__ == capi.VERSION


def test_another_release_is_refused(monkeypatch):
    monkeypatch.setattr(capi, "VERSION", "1.0.0")

    with pytest.raises(OnnxRuntimeError, match=r"no library of ONNX Runtime 1\.0\.0"):
        capi.runtime.__wrapped__()
