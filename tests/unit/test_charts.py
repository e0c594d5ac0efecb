"""The arithmetic of line charts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govservice.web.charts import line_chart, nice_step, path_of, spread


@pytest.mark.parametrize(("top", "step"), [(17.4, 5), (0, 1), (4, 1), (100, 50), (0.3, 0.1), (41, 20)])
def test_grid_lines_are_round(top: float, step: float) -> None:
    assert nice_step(top) == pytest.approx(step)


@given(st.lists(st.floats(0, 170), max_size=6))
def test_labels_never_overlap(wanted: list[float]) -> None:
    placed = sorted(spread(wanted, 17, 12, 170))
    assert all(b - a >= 17 - 1e-6 for a, b in zip(placed, placed[1:], strict=False))
    assert len(placed) == len(wanted)


def test_a_chart_stays_inside_its_frame() -> None:
    chart = line_chart(["a", "b", "c"], [("p90", "hot", [12.2, None, 17.4]), ("median", "", [8.0, 9.0, 9.6])], limit=15)
    assert chart.ticks[-1].text == 20
    assert all(chart.left <= point.x <= chart.right for line in chart.lines for point in line.points)
    assert all(0 <= point.y <= chart.bottom for line in chart.lines for point in line.points)
    assert chart.lines[0].points[-1].y < chart.lines[1].points[-1].y
    assert chart.limit_y is not None


def test_nothing_known_is_drawn_as_nothing() -> None:
    chart = line_chart([], [("p90", "hot", [])])
    assert chart.lines[0].path == ""
    assert chart.lines[0].last is None
    assert chart.marks == ()


def test_a_gap_breaks_the_line() -> None:
    chart = line_chart(["a", "b", "c", "d"], [("x", "", [1, None, 2, 3])])
    assert chart.lines[0].path.count("M") == 2
    assert path_of([]) == ""
