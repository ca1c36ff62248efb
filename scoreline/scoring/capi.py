"""The part of ONNX Runtime's C API that serving needs, without numpy and the Python binding.

At a cold start the binding and numpy take 150 ms of processor time to import, the library alone 26.
The places of functions in the table `OrtApi` are fixed: onnxruntime_c_api.h only appends to it.
"""

from __future__ import annotations

import os
from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    byref,
    c_char_p,
    c_int,
    c_size_t,
    c_uint32,
    c_void_p,
    cast,
    string_at,
)
from functools import cache
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

from scoreline.core.errors import OnnxRuntimeError

VERSION = "1.31.1"  # the version that training validates with; a test compares it with the lock
_API = 17  # any version that has the functions below

_ALL_OPTIMIZATIONS, _ERRORS_ONLY = 99, 3
_ARENA_ALLOCATOR, _DEFAULT_MEMORY = 0, 0

# name: place in OrtApi, types of the arguments; each returns a status, which is NULL on success
_CHECKED: dict[str, tuple[int, tuple[Any, ...]]] = {
    "CreateEnv": (3, (c_int, c_char_p, c_void_p)),
    "CreateSessionFromArray": (8, (c_void_p, c_char_p, c_size_t, c_void_p, c_void_p)),
    "Run": (9, (*[c_void_p] * 4, c_size_t, c_void_p, c_size_t, c_void_p)),
    "CreateSessionOptions": (10, (c_void_p,)),
    "SetSessionLogSeverityLevel": (22, (c_void_p, c_int)),
    "SetSessionGraphOptimizationLevel": (23, (c_void_p, c_int)),
    "SetIntraOpNumThreads": (24, (c_void_p, c_int)),
    "SetInterOpNumThreads": (25, (c_void_p, c_int)),
    "SessionGetInputCount": (30, (c_void_p, c_void_p)),
    "SessionGetOutputCount": (31, (c_void_p, c_void_p)),
    "SessionGetInputTypeInfo": (33, (c_void_p, c_size_t, c_void_p)),
    "SessionGetOutputTypeInfo": (34, (c_void_p, c_size_t, c_void_p)),
    "SessionGetInputName": (36, (c_void_p, c_size_t, c_void_p, c_void_p)),
    "SessionGetOutputName": (37, (c_void_p, c_size_t, c_void_p, c_void_p)),
    "CreateTensorWithDataAsOrtValue": (
        49,
        (c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_int, c_void_p),
    ),
    "CastTypeInfoToTensorInfo": (55, (c_void_p, c_void_p)),
    "GetTensorElementType": (60, (c_void_p, c_void_p)),
    "GetDimensionsCount": (61, (c_void_p, c_void_p)),
    "GetDimensions": (62, (c_void_p, c_void_p, c_size_t)),
    "CreateCpuMemoryInfo": (69, (c_int, c_int, c_void_p)),
    "AllocatorFree": (76, (c_void_p, c_void_p)),
    "GetAllocatorWithDefaultOptions": (78, (c_void_p,)),
    "SessionGetModelMetadata": (111, (c_void_p, c_void_p)),
    "ModelMetadataLookupCustomMetadataMap": (116, (c_void_p, c_void_p, c_char_p, c_void_p)),
}
_RELEASES = {
    "ReleaseStatus": 93,
    "ReleaseSession": 95,
    "ReleaseValue": 96,
    "ReleaseTypeInfo": 98,
    "ReleaseModelMetadata": 118,
}


class Runtime(SimpleNamespace):
    """The library's functions by name, and the objects that all sessions of the process share."""

    def __init__(self, path: str) -> None:
        library = CDLL(path)
        library.OrtGetApiBase.restype = POINTER(c_void_p)
        get_api, get_version = library.OrtGetApiBase()[:2]
        version = CFUNCTYPE(c_char_p)(get_version)().decode()
        if version != VERSION:
            raise OnnxRuntimeError(f"ONNX Runtime is {version}, not {VERSION}")
        table = cast(CFUNCTYPE(c_void_p, c_uint32)(get_api)(_API), POINTER(c_void_p))
        self.message = CFUNCTYPE(c_char_p, c_void_p)(table[2])
        for name, place in _RELEASES.items():
            setattr(self, name, CFUNCTYPE(None, c_void_p)(table[place]))
        for name, (place, arguments) in _CHECKED.items():
            function: Any = CFUNCTYPE(c_void_p, *arguments)(table[place])
            if name != "Run":  # called for every application; `Session` looks at its status
                function.errcheck = self._raise_error
            setattr(self, name, function)
        self.environment = self.create(self.CreateEnv, _ERRORS_ONLY, b"scoreline")
        self.allocator = self.create(self.GetAllocatorWithDefaultOptions)
        self.memory = self.create(self.CreateCpuMemoryInfo, _ARENA_ALLOCATOR, _DEFAULT_MEMORY)
        self.options = self.create(self.CreateSessionOptions)
        self.SetSessionLogSeverityLevel(self.options, _ERRORS_ONLY)
        self.SetSessionGraphOptimizationLevel(self.options, _ALL_OPTIMIZATIONS)
        # A row takes microseconds, and starting threads would double the time of loading.
        self.SetIntraOpNumThreads(self.options, 1)
        self.SetInterOpNumThreads(self.options, 1)

    def error(self, status: int) -> OnnxRuntimeError:
        """The error that a status describes, which is released."""
        message = self.message(status).decode(errors="replace")
        self.ReleaseStatus(status)
        return OnnxRuntimeError(message)

    def _raise_error(self, status: int | None, _function: Any, _arguments: Any) -> None:
        if status:
            raise self.error(status)

    def create(self, function: Any, *arguments: Any) -> c_void_p:
        """The object that a function returns through its last argument."""
        created = c_void_p()
        function(*arguments, byref(created))
        return created

    def number(self, function: Any, *arguments: Any) -> int:
        """The number that a function returns through its last argument."""
        number = c_size_t()
        function(*arguments, byref(number))
        return number.value

    def text(self, function: Any, *arguments: Any) -> str | None:
        """The text that a function allocates; None if it returns NULL."""
        pointer = self.create(function, *arguments)
        if not pointer:
            return None
        try:
            return string_at(pointer).decode()
        finally:
            self.AllocatorFree(self.allocator, pointer)


@cache
def runtime() -> Runtime:
    """The library of the package `onnxruntime`, which may be stripped of its other files."""
    spec = find_spec("onnxruntime")
    for folder in (spec and spec.submodule_search_locations) or ():
        capi = os.path.join(folder, "capi")
        for name in os.listdir(capi):
            if name.startswith("libonnxruntime.") and VERSION in name:
                return Runtime(os.path.join(capi, name))
    raise OnnxRuntimeError(f"there is no library of ONNX Runtime {VERSION}")
