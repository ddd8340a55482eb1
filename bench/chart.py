"""Small multiples as one SVG file: a panel for each quantity, all over the same axis. It follows the reader's choice of
light or dark, and nothing in it needs a script or a font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, PANEL, GAP, LEFT, TOP = 760, 96, 54, 64, 30
COLOURS = ("a", "b", "c")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.quiet { fill: #6e7781 } .line { fill: none; stroke-width: 1.8 } .axis { stroke: #d0d7de }
.a { stroke: #0969da } .b { stroke: #bc4c00 } .c { stroke: #1a7f37 }
text.a { fill: #0969da; stroke: none } text.b { fill: #bc4c00; stroke: none } text.c { fill: #1a7f37; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .quiet { fill: #8b949e } .axis { stroke: #3d444d }
.a { stroke: #4493f8 } .b { stroke: #f0883e } .c { stroke: #3fb950 }
text.a { fill: #4493f8 } text.b { fill: #f0883e } text.c { fill: #3fb950 }
}
"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One quantity: a title with its unit, and up to three lines, each as long as the axis."""

    title: str
    lines: Mapping[str, Sequence[float]]


def draw(panels: Sequence[Panel], *, axis: Sequence[float], axis_title: str) -> str:
    """The chart as SVG. All panels begin at zero."""
    height = TOP + len(panels) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<style>{STYLE}</style>",
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, axis, top=TOP + place * (PANEL + GAP))
    parts.append(f'<text class="quiet" x="{WIDTH - 8}" y="{height - 12}" text-anchor="end">{escape(axis_title)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, axis: Sequence[float], *, top: float) -> list[str]:
    highest = max((max(values) for values in panel.lines.values()), default=0) or 1.0
    bottom, right = top + PANEL, WIDTH - 8
    parts = [
        f'<text x="{LEFT}" y="{top - 10}">{escape(panel.title)}</text>',
        f'<path class="axis" d="M{LEFT} {top}V{bottom}H{right}" fill="none"/>',
        f'<text class="quiet" x="{LEFT - 6}" y="{top + 9}" text-anchor="end">{highest:,.4g}</text>',
        f'<text class="quiet" x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text class="quiet" x="{right}" y="{bottom + 14}" text-anchor="end">{axis[-1]:,.0f}</text>',
    ]
    begin = right
    for colour, (name, values) in reversed(list(zip(COLOURS, panel.lines.items(), strict=False))):
        points = " ".join(
            f"{LEFT + (right - LEFT) * x / (axis[-1] or 1):.1f},{bottom - PANEL * y / highest:.1f}"
            for x, y in zip(axis, values, strict=True)
        )
        parts.append(f'<polyline class="line {colour}" points="{points}"/>')
        if len(panel.lines) > 1:
            parts.append(f'<text class="{colour}" x="{begin}" y="{top - 10}" text-anchor="end">{escape(name)}</text>')
            begin -= 7 * len(name) + 16
    return parts
