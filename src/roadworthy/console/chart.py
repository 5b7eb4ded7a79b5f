"""Charts drawn as SVG by ourselves: no script in the browser, the same in light and dark, readable without colours.

They are pictures in data URLs: what draws the pages in the browser takes vector elements out of HTML. A picture knows
whether its page is light or dark (CSS Color Adjustment 1, 2.1), so its own colours follow.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import NamedTuple

from roadworthy.console.markup import Markup, text

WIDTH = 640
HEIGHT = 150
_STYLE = """
:root{--line:#dfe1dd;--soft:#5d636d;--a:#1f5f8b;--b:#8a5a00;--c:#a3261c}
@media(prefers-color-scheme:dark){:root{--line:#31353c;--soft:#a0a6b0;--a:#7db7e0;--b:#e3b04b;--c:#f0958c}}
text{font:11px system-ui,sans-serif;fill:var(--soft)}
.grid{stroke:var(--line)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c);stroke-dasharray:5 4}
.fill{stroke:none;opacity:.13;fill:var(--a)}
.dot{r:2.5px;stroke-width:1}
"""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 22


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        name: Shown in the legend.
        values: One for each time; None leaves a gap.
        look: `a`, `b` or `c`: which of the chart's colours.
        filled: Whether the ground below is tinted.
    """

    name: str
    values: Sequence[float | None]
    look: str = "a"
    filled: bool = False


def lines(title: str, times: Sequence[str], series: Sequence[Line], unit: str = "") -> Markup:
    """Lines over time.

    Args:
        title: What the chart shows; read out by screen readers with the last values.
        times: A label for each place; the first and the last are shown.
        series: The lines, as long as `times`.
        unit: Of the values.
    """
    top = ceiling(max((value for line in series for value in line.values if value is not None), default=0.0))
    grid = "".join(_grid(top * part / 2, top, unit) for part in (0, 1, 2))
    drawn = "".join(_draw(line, top) for line in series)
    labels = ""
    if times:
        y = HEIGHT - 6
        labels = f'<text x="{_LEFT}" y="{y}">{text(times[0])}</text>'
        labels += f'<text x="{WIDTH - _RIGHT}" y="{y}" text-anchor="end">{text(times[-1])}</text>'
    said = "; ".join(f"{line.name} {_last(line, unit)}" for line in series)
    legend = "".join(
        f'<span class="rw-key rw-key-{line.look}">{text(line.name)} <b>{text(_last(line, unit))}</b></span>'
        for line in series
    )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"<style>{_STYLE}</style>{grid}{drawn}{labels}</svg>"
    )
    data = base64.b64encode(drawing.encode()).decode()
    return Markup(
        f'<figure class="rw-chart"><figcaption>{text(title)}<span class="rw-legend">{legend}</span></figcaption>'
        f'<img src="data:image/svg+xml;base64,{data}" alt="{text(title)}: {text(said)}"></figure>'
    )


def ceiling(most: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... times a power of ten that is not below the value; 1 for nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9))


def _grid(value: float, top: float, unit: str) -> str:
    y = _y(value, top)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"></line>'
        f'<text x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text(_short(value))}{text(unit)}</text>'
    )


def _draw(line: Line, top: float) -> str:
    count = len(line.values)
    pieces: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(line.values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((_x(place, count), _y(value, top)))
    drawn = []
    for piece in filter(None, pieces):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
        if line.filled and len(piece) > 1:
            ground = f"{piece[0][0]:.1f},{_y(0, top):.1f} {points} {piece[-1][0]:.1f},{_y(0, top):.1f}"
            drawn.append(f'<polygon class="fill" points="{ground}"></polygon>')
        if len(piece) == 1:
            drawn.append(
                f'<circle class="dot {line.look}" cx="{piece[0][0]:.1f}" cy="{piece[0][1]:.1f}" r="2.5"></circle>'
            )
        drawn.append(f'<polyline class="line {line.look}" points="{points}"></polyline>')
    return "".join(drawn)


def _x(place: int, count: int) -> float:
    wide = WIDTH - _LEFT - _RIGHT
    return _LEFT + (wide * place / (count - 1) if count > 1 else wide)


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * min(1.0, value / top)


def _last(line: Line, unit: str) -> str:
    value = next((value for value in reversed(line.values) if value is not None), None)
    return "unknown" if value is None else f"{_short(value)}{unit}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
