"""Builds ONNX graphs node by node, so that parts of a model are written as function calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    checker,
    helper,
    numpy_helper,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import ArrayLike, DTypeLike

OPSET = 21
ML_OPSET = 3
ML = "ai.onnx.ml"
IR_VERSION = 10


class GraphBuilder:
    """Collects nodes and constants; tensors are referred to by the names that methods return."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._constant_names: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._options: list[ValueInfoProto] = []
        self._count = 0

    def constant(self, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """Name of an initializer with this value; equal constants share one."""
        array = np.ascontiguousarray(np.asarray(value, dtype))
        array = array.reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constant_names:
            name = f"c{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(array, name))
            self._constant_names[key] = name
        return self._constant_names[key]

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output and return the output's name."""
        return self.nodes(operator, *inputs, outputs=1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Append one node with several outputs and return their names."""
        names = [f"t{self._count}_{i}" for i in range(outputs)]
        self._count += 1
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, domain=domain, **attributes)
        )
        return names

    def transposed(self, tensor: str) -> str:
        """The transpose of a matrix."""
        return self.node("Transpose", tensor, perm=[1, 0])

    def option(self, name: str, *, default: bool) -> str:
        """An input that a run may leave out: a bool of shape ()."""
        self._constants.append(numpy_helper.from_array(np.array(default), name))
        self._options.append(helper.make_tensor_value_info(name, TensorProto.BOOL, []))
        return name

    def either(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """The float32 tensor of one of two branches; only the nodes of that branch are run."""
        branches = {"then_branch": self._branch(then), "else_branch": self._branch(otherwise)}
        return self.node("If", condition, **branches)

    def _branch(self, add: Callable[[], str]) -> GraphProto:
        outer, self._nodes = self._nodes, []
        tensor = self.node("Identity", add())
        nodes, self._nodes = self._nodes, outer
        output = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None)
        return helper.make_graph(nodes, f"branch of {tensor}", [], [output])

    def model(
        self, inputs: Mapping[str, int], outputs: Mapping[str, tuple[str, int]]
    ) -> ModelProto:
        """The finished model, checked.

        Parameters
        ----------
        inputs : name -> number of columns; each a float32 tensor of shape (n_rows, columns)
        outputs : public name -> (tensor, number of columns), float32 of shape (n_rows, columns)
        """
        self._publish({tensor: public for public, (tensor, _) in outputs.items()})
        graph = helper.make_graph(
            self._nodes,
            "scoreline",
            [*(_table(name, width) for name, width in inputs.items()), *self._options],
            [_table(name, width) for name, (_, width) in outputs.items()],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        checker.check_model(model, full_check=True)
        return model

    def _publish(self, names: Mapping[str, str]) -> None:
        """Rename output tensors to their public names."""
        for node in _nodes_of(self._nodes):
            for side in (node.input, node.output):
                side[:] = [names.get(tensor, tensor) for tensor in side]


def _nodes_of(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, including those in branches."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _nodes_of(attribute.g.node)


def _table(name: str, width: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
