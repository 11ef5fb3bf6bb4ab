"""The report's charts: SVG written by hand, so that text stays text at every width and colours follow the page.

Horizontal places are percentages of the chart's width, so a chart is as readable on a telephone as on a screen.
Curves lie in an inner picture that is stretched; their lines keep their width. Colours are classes (report.css).
"""

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from headwater.inspect.visible import visible
from headwater.studio.words import MINUS, level_of, percent, svg_both

POINTS = 160  # of a curve at most
SETTLED = 0.08  # the part of a training whose fall of the loss would flatten the rest of the curve


@dataclass(frozen=True)
class Scale:
    """Data to percent of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        return 100 * (value - self.low) / (self.high - self.low)

    def place(self, value: float) -> str:
        return f"{min(100.0, max(0.0, self.at(value))):.2f}%"


def scale_of(values: Iterable[float], *, ticks: int = 5, pad: float = 0.06) -> Scale:
    """A scale that holds all values, with round ticks inside it."""
    found = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(found), max(found)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    margin = pad * (high - low)
    low, high = low - margin, high + margin
    step = _round_step((high - low) / ticks)
    first = math.ceil(low / step)
    marks = tuple(round(k * step, 10) for k in range(first, math.floor(high / step) + 1))
    return Scale(low, high, marks)


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)


# ---------------------------------------------------------------- effects


def effect_scale(intervals: Iterable[Sequence[float] | None], margin: float) -> Scale:
    """One scale for every effect in percent: all intervals, zero and the margin's band."""
    values = [bound for one in intervals if one is not None for bound in one]
    return scale_of([*values, 0.0, -1.3 * margin, 1.3 * margin])


def effect_row(
    scale: Scale,
    margin: float,
    effect: float,
    bounds: Sequence[float] | None,
    inner: Sequence[float] | None,
    kind: str,
    title: str,
    height: int = 50,
) -> Markup:
    """One effect: point, 95% interval (line), 90% interval (bar), over the margin's band and zero."""
    middle = height / 2
    parts = [_band(scale, margin, height), _zero(scale, height)]
    if bounds is not None:
        parts.append(
            f'<line class="whisker {kind}" x1="{scale.place(bounds[0])}" x2="{scale.place(bounds[1])}" '
            f'y1="{middle}" y2="{middle}"/>'
        )
    if inner is not None:
        width = scale.at(inner[1]) - scale.at(inner[0])
        parts.append(
            f'<rect class="inner {kind}" x="{scale.place(inner[0])}" width="{max(0.0, width):.2f}%" y="{middle - 4}" '
            'height="8" rx="2"/>'
        )
    parts.append(f'<circle class="point {kind}" cx="{scale.place(effect)}" cy="{middle}" r="5.5"/>')
    return _svg(parts, height, title)


def effect_axis(scale: Scale, margin: float, *, ends: bool = True, unit: str = "%") -> Markup:
    """The axis below the rows: ticks in `unit` and, with `ends`, which side is better."""
    parts = [_band(scale, margin, 9)]
    for tick in scale.ticks:
        x = scale.place(tick)
        parts.append(f'<line class="tick" x1="{x}" x2="{x}" y1="0" y2="5"/>')
        if 4 < scale.at(tick) < 96:
            parts.append(
                f'<text class="tick-label" x="{x}" y="20" text-anchor="middle">{escape(_tick(tick, unit))}</text>'
            )
    if not ends:
        return _svg(parts, 26, "", "axis")
    sides = [
        svg_both("← fewer bits: better", "← 比特更少：更好", 'x="0" y="40"'),
        svg_both("more bits: worse →", "比特更多：更差 →", 'x="100%" y="40" text-anchor="end"'),
    ]
    return _svg([*parts, *sides], 46, "", "axis")


def _tick(value: float, unit: str) -> str:
    if value == 0:
        return "0"
    return f"{MINUS if value < 0 else '+'}{abs(value):g}{unit}"


def _band(scale: Scale, margin: float, height: float) -> str:
    low, high = max(scale.low, -margin), min(scale.high, margin)
    return (
        f'<rect class="margin" x="{scale.place(low)}" width="{scale.at(high) - scale.at(low):.2f}%" y="0" '
        f'height="{height}"/>'
    )


def _zero(scale: Scale, height: float) -> str:
    x = scale.place(0.0)
    return f'<line class="zero" x1="{x}" x2="{x}" y1="0" y2="{height}"/>'


# ---------------------------------------------------------------- bars


def bar(parts: Sequence[tuple[float, str]], whole: float, title: str = "", height: int = 14) -> Markup:
    """A stacked bar: (amount, class) from the left, of a whole."""
    shapes, at = ['<rect class="track" x="0" width="100%" y="0" height="100%" rx="2"/>'], 0.0
    for amount, kind in parts:
        width = 100 * amount / whole if whole else 0.0
        if width > 0:
            shapes.append(
                f'<rect class="{kind}" x="{at:.2f}%" width="{max(width, 0.3):.2f}%" y="0" height="100%"/>'
            )
        at += width
    return _svg(shapes, height, title, "bar")


# ---------------------------------------------------------------- curves


@dataclass(frozen=True)
class Curves:
    """One arm's trainings: a list of (tokens, bits per token) a seed."""

    name: str
    kind: str  # colour class
    seeds: tuple[tuple[tuple[float, float], ...], ...]


def curves_chart(arms: Sequence[Curves], title: str, height: int = 300) -> Markup:
    """The mean of each arm's seeds over tokens, with the band from the lowest to the highest seed."""
    drawn = [(arm, grid) for arm in arms if (grid := _grid(arm)) is not None]
    if not drawn:
        return Markup("")
    settled = [
        value for _, (xs, *lines) in drawn for line in lines for x, value in zip(xs, line, strict=True)
        if x >= SETTLED * xs[-1]
    ]  # fmt: skip
    across = scale_of([0.0, *(x for _, (xs, *_) in drawn for x in xs)], pad=0.0)
    up = scale_of(settled, ticks=4)
    bottom = height - 34
    parts = []
    for tick in up.ticks:
        y = bottom * (1 - up.at(tick) / 100)
        parts.append(f'<line class="grid" x1="7%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick-label" x="6.2%" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in across.ticks:
        x = 7 + 0.93 * across.at(tick)
        anchor = "end" if x > 97 else "start" if x < 9 else "middle"
        parts.append(
            f'<text class="tick-label" x="{x:.2f}%" y="{bottom + 18}" text-anchor="{anchor}">{_tokens(tick)}</text>'
        )
    inner = []
    for arm, (xs, low, mean, high) in drawn:
        upper = _path(xs, high, across, up)
        lower = _path(xs[::-1], low[::-1], across, up)
        inner.append(f'<path class="spread {arm.kind}" d="M{upper}L{lower}Z"/>')
        inner.append(f'<path class="curve {arm.kind}" d="M{_path(xs, mean, across, up)}"/>')
    parts.append(
        f'<svg x="7%" y="0" width="93%" height="{bottom}" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        + "".join(inner)
        + "</svg>"
    )
    parts.append(f'<line class="base" x1="7%" x2="100%" y1="{bottom}" y2="{bottom}"/>')
    parts.append(svg_both("tokens seen", "见过的词元", f'x="100%" y="{height - 1}" text-anchor="end"'))
    return _svg(parts, height, title, "curves")


def points_chart(
    across: Sequence[tuple[str, str]],
    lines: Sequence[tuple[str, Sequence[float]]],
    title: str,
    axis: tuple[str, str],
    height: int = 240,
) -> Markup:
    """Lines with a point at each of a few places.

    across: the place of each (`Scale.place`) and its label; lines: colour class, a value for each place; axis: what the
    places are, in English and Chinese.
    """
    up = scale_of((value for _, values in lines for value in values), ticks=4)
    bottom, parts = height - 42, []

    def y(value: float) -> float:
        return bottom * (1 - up.at(value) / 100)

    for tick in up.ticks:
        parts.append(f'<line class="grid" x1="7%" x2="100%" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(
            f'<text class="tick-label" x="6.2%" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    parts.append('<svg x="7%" y="0" width="93%" height="100%" overflow="visible">')
    for kind, values in lines:
        points = list(zip((place for place, _ in across), values, strict=True))
        for (x1, one), (x2, other) in itertools.pairwise(points):
            parts.append(
                f'<line class="curve {kind}" x1="{x1}" x2="{x2}" y1="{y(one):.1f}" y2="{y(other):.1f}"/>'
            )
        parts += [f'<circle class="{kind}" cx="{x}" cy="{y(value):.1f}" r="4"/>' for x, value in points]
    for place, label in across:
        parts.append(
            f'<text class="tick-label" x="{place}" y="{bottom + 18}" text-anchor="middle">{escape(label)}</text>'
        )
    parts.append("</svg>")
    parts.append(f'<line class="base" x1="7%" x2="100%" y1="{bottom}" y2="{bottom}"/>')
    parts.append(svg_both(*axis, f'x="100%" y="{height - 4}" text-anchor="end"'))
    return _svg(parts, height, title, "curves")


def _grid(arm: Curves) -> tuple[list[float], list[float], list[float], list[float]] | None:
    """xs, lowest, mean and highest over the seeds, on a grid that all seeds cover."""
    seeds = [sorted(seed) for seed in arm.seeds if len(seed) > 1]
    if not seeds:
        return None
    first, last = max(seed[0][0] for seed in seeds), min(seed[-1][0] for seed in seeds)
    points = min(POINTS, max(len(seed) for seed in seeds))
    xs = [first + (last - first) * k / max(1, points - 1) for k in range(points)]
    values = [[_between(seed, x) for x in xs] for seed in seeds]
    columns = list(zip(*values, strict=True))
    return xs, [min(c) for c in columns], [sum(c) / len(c) for c in columns], [max(c) for c in columns]


def _between(seed: list[tuple[float, float]], x: float) -> float:
    place = bisect.bisect_left(seed, (x, -math.inf))
    if place <= 0:
        return seed[0][1]
    if place >= len(seed):
        return seed[-1][1]
    (x0, y0), (x1, y1) = seed[place - 1], seed[place]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _path(xs: Sequence[float], ys: Sequence[float], across: Scale, up: Scale) -> str:
    return "L".join(
        f"{10 * across.at(x):.1f} {min(2000.0, 1000 - 10 * up.at(y)) if up.at(y) < 200 else -1000:.1f}"
        for x, y in zip(xs, ys, strict=True)
    )


def _tokens(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"


def _svg(parts: Iterable[str | Markup], height: float, title: str, kind: str = "chart") -> Markup:
    """Our own shapes around numbers; `title` may hold a name, and is escaped."""
    name = Markup("<title>{}</title>").format(visible(title)) if title else Markup("")
    role = 'role="img"' if title else 'aria-hidden="true"'
    return (
        Markup(f'<svg class="{kind}" {role} width="100%" height="{height}">')
        + name
        + Markup("".join(parts))
        + Markup("</svg>")
    )


def effect_title(
    name: str, effect: float, bounds: Sequence[float] | None, unit: str = "%", level: float = 0.95
) -> str:
    """What a screen reader says for a row."""

    def said(value: float) -> str:
        return percent(value).replace("%", unit)

    if bounds is None:
        return f"{name}: {said(effect)}"
    return f"{name}: {said(effect)}, {level_of(level)} [{said(bounds[0])}, {said(bounds[1])}]"
