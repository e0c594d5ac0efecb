"""Line charts as numbers to draw: the arithmetic lives here, the SVG in templates/components/charts.html.

Strict CSP forbids inline style, so every measure is an SVG attribute. Text never shrinks: a narrow screen gets a
drawing of its own (`width` 288) instead of a scaled one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEFT, TOP, BOTTOM = 34, 12, 30
NAME_ROOM = 92


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: object


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn series: its path, its points, where its name and last value stand."""

    name: object
    tone: str
    path: str
    points: tuple[Point, ...]
    last: float | None
    label_y: float


@dataclass(frozen=True, slots=True)
class LineChart:
    width: int
    height: int
    left: int
    right: float
    bottom: float
    ticks: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    limit_y: float | None
    limit_label_y: float


def nice_step(top: float, parts: int = 4) -> float:
    """A round distance between grid lines: 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return 1.0
    raw = top / parts
    power = float(10 ** math.floor(math.log10(raw)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Label heights as near as possible to `wanted`, at least `gap` apart, kept between `low` and `high`."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + gap if placed else low))
    overflow = max(0.0, placed[-1] - high) if placed else 0.0
    result = [0.0] * len(wanted)
    for position in range(len(order) - 1, -1, -1):
        value = placed[position] - overflow
        if position + 1 < len(order):
            value = min(placed[position], result[order[position + 1]] - gap)
        result[order[position]] = value
    return result


def line_chart(
    labels: Sequence[object],
    series: Sequence[tuple[object, str, Sequence[float | None]]],
    limit: float | None = None,
    width: int = 592,
    height: int = 200,
) -> LineChart:
    """Lay out a chart. `labels` name the points along the bottom; `series` are (name, tone, values) with None for gaps;
    tone "hot" is the orange one. `limit` is a dashed line with its own label."""
    known = [value for _, _, values in series for value in values if value is not None]
    step = nice_step(max([*known, limit or 0.0, 1.0]) * 1.05)
    top = step * math.ceil(max([*known, limit or 0.0, 1.0]) / step)
    right, bottom = width - NAME_ROOM, height - BOTTOM
    across = (right - LEFT) / max(1, len(labels) - 1)

    def y_of(value: float) -> float:
        return round(bottom - (bottom - TOP) * value / top, 1)

    drawn: list[tuple[object, str, tuple[Point | None, ...], float | None]] = []
    for name, tone, values in series:
        points = tuple(
            None if value is None else Point(round(LEFT + across * index, 1), y_of(value))
            for index, value in enumerate(values)
        )
        last = next((value for value in reversed(values) if value is not None), None)
        drawn.append((name, tone, points, last))
    wanted = [y_of(last) + 4 if last is not None else bottom for *_, last in drawn]
    limit_y = y_of(limit) if limit is not None else None
    heights = spread([*wanted, *([limit_y + 4] if limit_y is not None else [])], 17, TOP, bottom)
    lines = tuple(
        Line(name, tone, path_of(points), tuple(p for p in points if p), last, round(heights[index], 1))
        for index, (name, tone, points, last) in enumerate(drawn)
    )
    ticks = tuple(Tick(y_of(step * n), round(step * n, 6)) for n in range(round(top / step) + 1))
    return LineChart(
        width, height, LEFT, right, bottom, ticks, bottom_marks(labels, across), lines, limit_y, round(heights[-1], 1)
    )


def path_of(points: Sequence[Point | None]) -> str:
    """An SVG path that breaks at gaps."""
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
        else:
            parts.append(f"{pen}{point.x:g} {point.y:g}")
            pen = "L"
    return "".join(parts)


def bottom_marks(labels: Sequence[object], across: float) -> tuple[Tick, ...]:
    """At most four labels along the bottom, first and last among them, never closer than they are long."""
    if not labels:
        return ()
    shown = min(len(labels), 4 if across * len(labels) > 380 else 3 if across * len(labels) > 200 else 2)
    places = {round(index * (len(labels) - 1) / max(1, shown - 1)) for index in range(shown)}
    return tuple(Tick(round(LEFT + across * place, 1), labels[place]) for place in sorted(places))


def lane_length(lane: object) -> int:
    """How many nodes stand in one lane of a flow picture: a list is several steps of one branch, a node is one."""
    return len(lane) if isinstance(lane, (list, tuple)) else 1
