import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.report.plots.axis import axis, round_step
from training.report.plots.plot import Plot


def test_ticks_are_round_and_span_all_values():
    scores = axis("Score", [428, 621])
    shares = axis("Share", [0, 0.087], percent=True)

    assert [tick.label for tick in scores.ticks] == ["400", "450", "500", "550", "600", "650"]
    assert [tick.label for tick in shares.ticks] == [
        "0 %",
        "2 %",
        "4 %",
        "6 %",
        "8 %",
        "10 %",
    ]


def test_whole_numbers_have_whole_ticks():
    assert [tick.label for tick in axis("Class", [1, 2, 4]).ticks] == ["1", "2", "3", "4"]


def test_one_value_alone_has_an_axis_around_it():
    found = axis("x", [7])

    assert found.low < 7 < found.high


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5))
def test_every_value_lies_on_the_axis(values):
    found = axis("x", values)

    slack = 1e-6 * (found.high - found.low)
    assert found.low - slack <= min(values) <= max(values) <= found.high + slack
    assert len(found.ticks) <= 9


@given(st.floats(1e-9, 1e9))
def test_a_step_is_round_and_not_much_longer(rough):
    assert 1 - 1e-8 <= round_step(rough) / rough <= 2.5


def test_marks_lie_where_the_axes_say():
    plot = Plot("t", "d", axis("x", [0, 1]), axis("y", [0, 1]), width=198, height=158)

    plot.line([0, 0.5, 1], [0, 1, 0.5], "first")
    plot.bars([0, 0.5, 1], [1, 0.5], "second")

    # The axes span 70 to 170 and, downwards, 12 to 112.
    assert plot.box == (70, 12, 170, 112)
    assert plot.marks[0].path == "M70.0 112.0 L120.0 12.0 L170.0 62.0"
    bars = "M70.0 112.0 L70.0 12.0 L120.0 12.0 L120.0 62.0 L170.0 62.0 L170.0 112.0 Z"
    assert plot.marks[1].path == bars


def test_words_of_neighbouring_rules_do_not_cover_each_other():
    plot = Plot("t", "d", axis("x", [0, 1]), axis("y", [0, 1]))

    plot.vertical(0.5, "refer")
    plot.vertical(0.52, "approve")

    heights = [mark.y for mark in plot.marks if mark.text]
    assert heights[1] - heights[0] == pytest.approx(13)
