"""Axes of a plot: a range with round tick values."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STEPS = (1, 2, 2.5, 5, 10)
TICKS = 6
# A relative range below this is drawn as a single value.
NARROW = 1e-9


@dataclass(frozen=True, slots=True)
class Tick:
    """A position on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A closed range of numbers with its ticks and its name."""

    name: str
    low: float
    high: float
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """Position of a value, clipped to 0 at the low end and 1 at the high end."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def axis(
    name: str, values: Iterable[float], *, percent: bool = False, include: tuple[float, ...] = ()
) -> Axis:
    """An axis that holds all values, from tick to tick; whole numbers have whole ticks.

    Parameters
    ----------
    percent : show shares as percentages
    include : further values that the axis spans
    """
    numbers = [*values, *include]
    low, high = min(numbers), max(numbers)
    size = max(abs(low), abs(high))
    if high - low <= NARROW * max(size, NARROW):
        half = size / 2 if size > NARROW else 0.5
        low, high = low - half, high + half
    step = round_step((high - low) / TICKS)
    if not percent and all(float(number).is_integer() for number in numbers):
        step = max(step, 1)
    # The tolerance keeps rounding from adding a tick beyond the values.
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(
        Tick(i * step, _label(i * step, step, percent=percent)) for i in range(first, last + 1)
    )
    return Axis(name, first * step, last * step, ticks)


def round_step(rough: float) -> float:
    """The least of 1, 2, 2.5, 5 and 10 times a power of ten that is no less.

    Examples
    --------
    >>> round_step(0.17), round_step(23), round_step(60)
    (0.2, 25.0, 100.0)
    """
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))


def _label(value: float, step: float, *, percent: bool) -> str:
    if percent:
        value, step = 100 * value, 100 * step
    digits = next((d for d in range(9) if abs(round(step, d) - step) < step * 1e-6), 9)
    return f"{value:z,.{digits}f}" + (" %" if percent else "")
