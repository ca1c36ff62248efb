"""Loaded graphs: rows of float32 in, float32 out, in buffers that are reused for single rows."""

from __future__ import annotations

from array import array
from ctypes import c_char_p, c_int64, c_void_p
from functools import partial
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING
from weakref import finalize

from scoreline.core.errors import OnnxRuntimeError
from scoreline.scoring.capi import runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FLOAT32 = 1
FLOAT32_BYTES = 4


class Session:
    """A loaded graph of one input of shape (n, columns) and outputs of shape (n, their columns).

    Any thread may use it, and several sessions may load and run at once.

    Attributes
    ----------
    columns : of the input
    outputs : name -> columns of the output
    """

    def __init__(self, content: bytes) -> None:
        """Load a model; OnnxRuntimeError if the bytes are not a graph of this form."""
        ort = self._ort = runtime()
        self.handle = ort.create(
            ort.CreateSessionFromArray, ort.environment, content, len(content), ort.options
        )
        finalize(self, ort.ReleaseSession, self.handle)
        inputs = self._described("Input")
        if len(inputs) != 1:
            raise OnnxRuntimeError("expected a graph with one input")
        [(self.input, self.columns)] = inputs.items()
        self.outputs = self._described("Output")
        self._one_row = _Buffers(self, 1)
        self._one_row_lock = Lock()

    def metadata(self, key: str) -> str:
        """A text of the model's metadata; KeyError if it does not have this key."""
        ort = self._ort
        metadata = ort.create(ort.SessionGetModelMetadata, self.handle)
        try:
            find = ort.ModelMetadataLookupCustomMetadataMap
            text = ort.text(find, metadata, ort.allocator, key.encode())
        finally:
            ort.ReleaseModelMetadata(metadata)
        if text is None:
            raise KeyError(key)
        return text

    def run(
        self, rows: Sequence[Sequence[float]], outputs: Sequence[str]
    ) -> list[list[list[float]]]:
        """The rows of each requested output.

        Parameters
        ----------
        rows : of shape (n, columns), n at least 1; rounded to float32
        """
        if {len(row) for row in rows} != {self.columns}:
            raise OnnxRuntimeError(f"expected rows of {self.columns} values")
        # A single row reuses its buffers, so that no tensor is created for each application.
        if len(rows) > 1:
            return _Buffers(self, len(rows)).run(chain.from_iterable(rows), outputs)
        with self._one_row_lock:
            return self._one_row.run(rows[0], outputs)

    def _described(self, side: str) -> dict[str, int]:
        """Name and columns of each input or output."""
        ort = self._ort
        count, name, kind = (
            getattr(ort, f"SessionGet{side}{what}") for what in ("Count", "Name", "TypeInfo")
        )
        found = {}
        for i in range(ort.number(count, self.handle)):
            info = ort.create(kind, self.handle, i)
            try:
                found[str(ort.text(name, self.handle, i, ort.allocator))] = self._columns(info)
            finally:
                ort.ReleaseTypeInfo(info)
        return found

    def _columns(self, info: c_void_p) -> int:
        ort = self._ort
        tensor = ort.create(ort.CastTypeInfoToTensorInfo, info)
        if not tensor or ort.number(ort.GetTensorElementType, tensor) != FLOAT32:
            raise OnnxRuntimeError("expected float32 tensors")
        shape = (c_int64 * ort.number(ort.GetDimensionsCount, tensor))()
        ort.GetDimensions(tensor, shape, len(shape))
        if len(shape) != 2 or shape[0] != -1 or shape[1] < 1:
            raise OnnxRuntimeError("expected tensors of any number of rows and fixed width")
        return int(shape[1])


class _Buffers:
    """Memory for n rows and their outputs, which the graph reads and writes in place."""

    def __init__(self, session: Session, n: int) -> None:
        ort = self._ort = runtime()
        names = list(session.outputs)
        self._n = n
        self._rows, row_tensor = _tensor(n, session.columns)
        outputs = [_tensor(n, columns) for columns in session.outputs.values()]
        self._values = {name: values for name, (values, _) in zip(names, outputs, strict=True)}
        tensors = [tensor for _, tensor in outputs]
        # Only the tensors are passed: a reference to `self` would keep it alive for ever.
        finalize(self, _release, [row_tensor, *tensors])
        self._run = partial(
            ort.Run,
            session.handle,
            None,
            (c_char_p * 1)(session.input.encode()),
            (c_void_p * 1)(row_tensor.value),
            1,
            (c_char_p * len(names))(*(name.encode() for name in names)),
            len(names),
            (c_void_p * len(names))(*(tensor.value for tensor in tensors)),
        )

    def run(self, rows: Iterable[float], outputs: Sequence[str]) -> list[list[list[float]]]:
        """Score n rows; `rows` are their values, one row after the other."""
        # Doubles are rounded to the nearest float32 here, in the tensor's own memory.
        self._rows[:] = array("f", rows)
        status = self._run()
        if status:
            raise self._ort.error(status)
        if self._n == 1:
            return [[self._values[name].tolist()] for name in outputs]
        return [self._split(self._values[name]) for name in outputs]

    def _split(self, values: array[float]) -> list[list[float]]:
        columns = len(values) // self._n
        return [values[i : i + columns].tolist() for i in range(0, len(values), columns)]


def _tensor(n: int, columns: int) -> tuple[array[float], c_void_p]:
    """Values of n rows, and the tensor that uses them as its memory."""
    ort = runtime()
    values = array("f", bytes(FLOAT32_BYTES * n * columns))
    place, size = values.buffer_info()[0], FLOAT32_BYTES * len(values)
    shape = (c_int64 * 2)(n, columns)
    tensor = ort.create(
        ort.CreateTensorWithDataAsOrtValue, ort.memory, place, size, shape, 2, FLOAT32
    )
    return values, tensor


def _release(tensors: Sequence[c_void_p]) -> None:
    for tensor in tensors:
        runtime().ReleaseValue(tensor)
