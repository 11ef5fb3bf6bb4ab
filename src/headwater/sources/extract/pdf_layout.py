"""A page's characters to lines in reading order.

Characters are cut into segments (no large gap within), a page is cut at its gutter into columns wherever it has one,
and what spans the gutter divides the page into bands. All boxes are in points, y upwards.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

GAP = 0.85  # of a character's height: a wider one ends a segment
SPACE = 0.18  # a wider one is a space, where the file has none
BINS = 256
DEEP = 4  # columns within columns
SIDE_CHARACTERS, SIDE_LINES, LINE_CHARACTERS = 60, 4, 14
HYPHENS = (0x02, 0xAD, 0xFFFE)


@dataclass(frozen=True)
class Segment:
    text: str
    left: float
    bottom: float
    right: float
    top: float
    height: float  # of its characters, on average

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


@dataclass
class Page:
    number: int
    width: float
    height: float
    segments: list[Segment]
    characters: int  # visible ones
    unknown: int  # of them without a Unicode value
    turned: str = ""  # text that stands across, as arXiv's stamp does

    @staticmethod
    def empty(number: int) -> "Page":
        return Page(number, 0, 0, [], 0, 0)


@dataclass
class Line:
    """A line of a column. `column`: its place in the reading order; `edges`: the column's left and right."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    height: float
    page: int
    column: int
    edges: tuple[float, float]


# ---------------------------------------------------------------- segments


def segments_of(
    number: int,
    width: float,
    height: float,
    codes: np.ndarray,
    boxes: np.ndarray,
    angle: Callable[[int], float],
) -> Page:
    """`codes` (n,), `boxes` (n, 4: left, top, right, bottom), `angle`: of one character, in radians."""
    lines = (codes == 10) | (codes == 13)
    spaces = (codes == 32) | (codes == 9) | (codes == 160) | (codes == 0x3000)
    hyphens = np.isin(codes, HYPHENS)
    shown = np.nonzero(~lines & ~spaces & ((codes > 32) | hyphens) & np.isfinite(boxes).all(axis=1))[0]
    if not len(shown):
        return Page(number, width, height, [], 0, 0)
    unknown = int((((codes[shown] >= 0xE000) & (codes[shown] < 0xF900)) | (codes[shown] == 0xFFFD) | (codes[shown] > 0xF0000)).sum())  # fmt: skip
    left, top, right, bottom = boxes[shown].astype(np.float64).T
    left, right = np.minimum(left, right), np.maximum(left, right)
    bottom, top = np.minimum(bottom, top), np.maximum(bottom, top)
    turns = _turns(shown, angle)
    for _ in range(turns):
        left, bottom, right, top = bottom, -right, top, -left
    tall = top - bottom
    usual = float(np.median(tall[tall > 0])) if (tall > 0).any() else 10.0
    wrong = (tall > 6 * usual) | (tall <= 0)
    top = np.where(wrong, bottom.clip(-1e6, 1e6) + usual, top)
    tall = np.where(wrong, usual, tall)

    after_line = np.diff(np.cumsum(lines)[shown]) > 0
    after_space = np.diff(np.cumsum(spaces)[shown]) > 0
    taller = np.maximum(tall[1:], tall[:-1])
    gap = left[1:] - right[:-1]
    apart = np.minimum(top[1:], top[:-1]) - np.maximum(bottom[1:], bottom[:-1]) < -0.1 * taller
    ends = after_line | apart | (gap > GAP * taller) | (gap < -1.5 * taller)
    starts = np.concatenate(([0], np.nonzero(ends)[0] + 1))
    stops = np.concatenate((starts[1:], [len(shown)]))
    put_space = after_space | (gap > SPACE * taller)
    boxes_of = (
        np.minimum.reduceat(left, starts), np.minimum.reduceat(bottom, starts),
        np.maximum.reduceat(right, starts), np.maximum.reduceat(top, starts),
    )  # fmt: skip
    heights = np.add.reduceat(tall, starts) / (stops - starts)
    characters = [
        chr(code) if code not in HYPHENS and code < 0x110000 else "\xad" for code in codes[shown].tolist()
    ]
    spaced = ["", *(" " if space else "" for space in put_space.tolist())]
    segments, across = [], []
    for place, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        spaced[start] = ""
        text = "".join(
            [part for pair in zip(spaced[start:stop], characters[start:stop], strict=True) for part in pair]
        )
        if _quarter(angle(int(shown[start]))) != turns:
            across.append(text)
            continue
        left_side, low_side, right_side, high_side = (float(side[place]) for side in boxes_of)
        segments.append(Segment(text, left_side, low_side, right_side, high_side, float(heights[place])))
    return Page(number, width, height, segments, len(shown), unknown, "".join(across))


def _quarter(angle: float) -> int:
    """An angle in quarters of a turn against the clock (PDFium measures with it), 0 to 3; -1 for a slanted one."""
    if not math.isfinite(angle) or angle < 0:
        return 0
    quarters = angle / (math.pi / 2)
    nearest = round(quarters)
    return -nearest % 4 if abs(quarters - nearest) < 0.1 else -1


def _turns(shown: np.ndarray, angle: Callable[[int], float]) -> int:
    """By how many quarters most of the page's text is turned, from a sample."""
    quarters = [_quarter(angle(int(place))) for place in shown[:: max(1, len(shown) // 50)]]
    most = max(range(4), key=quarters.count)
    return most if quarters.count(most) * 2 > len(quarters) else 0


# ---------------------------------------------------------------- columns


def lines_of(page: Page, segments: list[Segment], first: int) -> list[Line]:
    """A page's lines in reading order; columns are numbered from `first`."""
    lines: list[Line] = []
    for number, column in enumerate(_columns(segments, 0)):
        rows = rows_of(column)
        left = min((segment.left for segment in column), default=0.0)
        right = max((segment.right for segment in column), default=0.0)
        lines += [_line(row, page.number, first + number, (left, right)) for row in rows]
    return lines


def _columns(segments: list[Segment], deep: int) -> list[list[Segment]]:
    gutter = find_gutter(segments) if deep < DEEP else None
    if gutter is None:
        return [segments] if segments else []
    left = [segment for segment in segments if segment.right <= gutter]
    right = [segment for segment in segments if segment.left >= gutter]
    across = [segment for segment in segments if segment.left < gutter < segment.right]
    spanning: list[Segment] = []
    for segment in across:
        # What only juts out of its column stands beside text of the other one.
        beside_left, beside_right = _beside(segment, left), _beside(segment, right)
        if beside_left or beside_right:
            (left if segment.left + segment.right < 2 * gutter else right).append(segment)
        else:
            spanning.append(segment)
    spanning.sort(key=lambda segment: -segment.middle)
    columns: list[list[Segment]] = []
    band: list[Segment] = []
    for segment in spanning:
        above = segment.middle
        if any(other.middle > above for other in (*left, *right)):
            if band:
                columns.append(band)
                band = []
            for side in (left, right):
                columns += _columns([other for other in side if other.middle > above], deep + 1)
            left = [other for other in left if other.middle <= above]
            right = [other for other in right if other.middle <= above]
        band.append(segment)
    if band:
        columns.append(band)
    return columns + _columns(left, deep + 1) + _columns(right, deep + 1)


def _beside(segment: Segment, others: list[Segment]) -> bool:
    return any(min(segment.top, other.top) - max(segment.bottom, other.bottom) > 0.4 * min(segment.height, other.height) for other in others)  # fmt: skip


def find_gutter(segments: list[Segment]) -> float | None:
    """Where a vertical strip parts two columns of running text, or None: what crosses it is little, and on either
    side there are several lines of some length."""
    if len(segments) < 2 * SIDE_LINES:
        return None
    left = np.array([segment.left for segment in segments])
    right = np.array([segment.right for segment in segments])
    size = np.array([len(segment.text) for segment in segments], dtype=float)
    low, high = float(left.min()), float(right.max())
    if high - low < 100:
        return None
    at = low + (high - low) * (np.arange(BINS) + 0.5) / BINS
    first = np.searchsorted(at, left)
    last = np.searchsorted(at, right)
    crossing = np.zeros(BINS + 1)
    np.add.at(crossing, first, size)
    np.add.at(crossing, last, -size)
    crossing = np.cumsum(crossing)[:BINS]
    inner = slice(int(BINS * 0.15), int(BINS * 0.85))
    free = crossing <= crossing[inner].min() + 0.01 * size.sum()
    best, run = (0, 0), 0
    for place in range(inner.start, inner.stop):
        run = run + 1 if free[place] else 0
        if run > best[0]:
            best = (run, place)
    gutter = float(at[best[1]] + at[best[1] - best[0] + 1]) / 2
    on_left, on_right = right <= gutter, left >= gutter
    across = size[~on_left & ~on_right].sum()
    if across > 3 * min(size[on_left].sum(), size[on_right].sum()):
        return None
    sides = ([s for s, here in zip(segments, side, strict=True) if here] for side in (on_left, on_right))
    return gutter if all(_is_prose(side) for side in sides) else None


def _is_prose(segments: list[Segment]) -> bool:
    """Lines of text, and not a table's column or page numbers."""
    if sum(len(segment.text) for segment in segments) < SIDE_CHARACTERS:
        return False
    rows = rows_of(segments)
    if len(rows) < SIDE_LINES:
        return False
    widths = [_width("".join(segment.text for segment in row)) for row in rows]
    extents = [row[-1].right - row[0].left for row in rows]
    return float(np.median(widths)) >= LINE_CHARACTERS and sum(e > 0.6 * max(extents) for e in extents) >= len(rows) * 0.35  # fmt: skip


def _width(text: str) -> int:
    """In characters, a Chinese one counted as two."""
    return len(text) + sum(character > "\u2e7f" for character in text)


# ---------------------------------------------------------------- lines


def rows_of(segments: list[Segment]) -> list[list[Segment]]:
    """Segments that stand at one height, from top to bottom, each row from left to right."""
    rows: list[list[Segment]] = []
    bottom = top = 0.0
    for segment in sorted(segments, key=lambda segment: (-segment.middle, segment.left)):
        overlap = min(top, segment.top) - max(bottom, segment.bottom)
        if rows and overlap > 0.45 * min(segment.top - segment.bottom, top - bottom):
            rows[-1].append(segment)
            if segment.height > 0.8 * (top - bottom):  # a subscript does not move the row
                bottom, top = min(bottom, segment.bottom), max(top, segment.top)
                tallest = max(piece.height for piece in rows[-1])
                if top - bottom > 1.5 * tallest:
                    bottom, top = segment.bottom, segment.top
        else:
            rows.append([segment])
            bottom, top = segment.bottom, segment.top
    for row in rows:
        row.sort(key=lambda segment: segment.left)
    return rows


def _line(row: list[Segment], page: int, column: int, edges: tuple[float, float]) -> Line:
    parts = [row[0].text]
    for before, segment in itertools.pairwise(row):
        gap = segment.left - before.right
        parts += [" " if gap > SPACE * max(segment.height, before.height) else "", segment.text]
    main = max(row, key=lambda segment: len(segment.text))
    return Line(
        "".join(parts), row[0].left, max(s.right for s in row), main.bottom, main.top, main.height, page, column, edges
    )  # fmt: skip
