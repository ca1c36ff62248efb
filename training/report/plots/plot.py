"""A plot as a list of marks for the SVG template, in units of its viewBox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.report.plots.axis import Axis

WIDTH, HEIGHT = 520, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 28, 12, 46
NOTE_HEIGHT = 13


@dataclass(frozen=True, slots=True)
class Mark:
    """A path, dot or text; `style` is its class in the style sheet.

    Attributes
    ----------
    path : of a line or an area, "" otherwise
    x, y : of a dot or a text
    """

    style: str
    path: str = ""
    x: float = 0.0
    y: float = 0.0
    text: str = ""
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend."""

    style: str
    text: str


@dataclass(slots=True)
class Plot:
    """A plot to which marks are added.

    Attributes
    ----------
    title : name for screen readers
    description : what the plot shows, for screen readers
    """

    title: str
    description: str
    x: Axis
    y: Axis
    width: int = WIDTH
    height: int = HEIGHT
    marks: list[Mark] = field(default_factory=list)
    legend: list[Key] = field(default_factory=list)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the plotting area."""
        return LEFT, TOP, self.width - RIGHT, self.height - BOTTOM

    def across(self, value: float) -> float:
        """Horizontal position of a value."""
        left, _, right, _ = self.box
        return round(left + self.x.place(value) * (right - left), 1)

    def up(self, value: float) -> float:
        """Vertical position of a value."""
        _, top, _, bottom = self.box
        return round(bottom - self.y.place(value) * (bottom - top), 1)

    def line(self, xs: Sequence[float], ys: Sequence[float], style: str, text: str = "") -> None:
        """A line through points; `text` is its entry in the legend."""
        self.marks.append(Mark(f"line {style}", path=f"M{self._points(xs, ys)}"))
        self._add_key(f"line {style}", text)

    def area(
        self,
        xs: Sequence[float],
        lows: Sequence[float],
        highs: Sequence[float],
        style: str,
        text: str = "",
    ) -> None:
        """The area between two lines over the same positions."""
        upper, lower = self._points(xs, highs), self._points(xs[::-1], lows[::-1])
        self.marks.append(Mark(f"area {style}", path=f"M{upper} L{lower} Z"))
        self._add_key(f"area {style}", text)

    def bars(
        self, edges: Sequence[float], heights: Sequence[float], style: str, text: str = ""
    ) -> None:
        """Adjacent bars from 0 upwards, as one outline."""
        xs = [edge for edge in edges for _ in range(2)]
        ys = [0.0, *(height for height in heights for _ in range(2)), 0.0]
        self.marks.append(Mark(f"bars {style}", path=f"M{self._points(xs, ys)} Z"))
        self._add_key(f"bars {style}", text)

    def dots(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        intervals: Sequence[tuple[float, float]],
        style: str,
        text: str = "",
    ) -> None:
        """Dots, each with a vertical interval."""
        for x, y, (low, high) in zip(xs, ys, intervals, strict=True):
            self.marks.append(
                Mark(f"whisker {style}", path=f"M{self._points([x, x], [low, high])}")
            )
            self.marks.append(Mark(f"dot {style}", x=self.across(x), y=self.up(y)))
        self._add_key(f"dot {style}", text)

    def vertical(self, x: float, text: str) -> None:
        """A vertical line with a label at its upper end; each further label is placed lower."""
        _, top, right, bottom = self.box
        at = self.across(x)
        # Labels of neighbouring cutoffs would overlap on one line.
        notes = sum(mark.style == "note" for mark in self.marks)
        anchor, shift = ("end", -4) if at > right - 70 else ("start", 4)
        self.marks.append(Mark("line rule", path=f"M{at} {bottom} L{at} {top}"))
        height = top + 10 + NOTE_HEIGHT * notes
        self.marks.append(Mark("note", x=at + shift, y=height, text=text, anchor=anchor))

    def _points(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        pairs = zip(xs, ys, strict=True)
        return " L".join(f"{self.across(x)} {self.up(y)}" for x, y in pairs)

    def _add_key(self, style: str, text: str) -> None:
        if text:
            self.legend.append(Key(style, text))
