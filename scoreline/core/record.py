"""Frozen dataclasses without generated code.

`dataclass` writes, compiles and runs code for every class, 0.7 ms of each cold start; predict has
over 25. A record is a dataclass to `fields`, `asdict`, `replace` and pydantic, whose methods are
these few functions.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field
from typing import Any, dataclass_transform

# How pydantic reads records: as strictly as it reads the tables of a definition.
STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record[T](cls: type[T]) -> type[T]:
    """A frozen dataclass with slots."""
    plain = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for name, method in _METHODS.items():
        setattr(plain, name, method)
    return plain


def _init(self: Any, *arguments: Any, **named: Any) -> None:
    names = self.__match_args__
    given = {**dict(zip(names, arguments, strict=False)), **named}
    if len(given) != len(arguments) + len(named) or not given.keys() <= set(names):
        raise TypeError(f"{type(self).__name__} got an argument twice or one that it does not take")
    # Not setattr, which a record refuses.
    for name in names:
        value = given[name] if name in given else _default(self, name)
        object.__setattr__(self, name, value)


def _default(self: Any, name: str) -> Any:
    described = self.__dataclass_fields__[name]
    if described.default is not MISSING:
        return described.default
    if described.default_factory is not MISSING:
        return described.default_factory()
    raise TypeError(f"{type(self).__name__} lacks the argument {name}")


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__match_args__)


def _eq(self: Any, other: object) -> bool:
    return type(other) is type(self) and _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: Any, name: str, *_value: Any) -> None:
    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot change")


_METHODS = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
