"""Plots of a simulation as SVG, drawn by the server: colours come from the style sheet, no script is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 220, 48, 10, 28


@register.simple_tag
def cost_plot(simulation: dict[str, Any]) -> SafeString:
    """How many players cost how much; without those who cost nothing."""
    bars, total = simulation["histogram"], simulation["wanted"]["players"]
    most = max([bar["players"] for bar in bars] + [1])
    step = (WIDTH - LEFT) / len(bars)
    currency = simulation["wanted"]["currency"]
    drawn = format_html_join(
        "",
        '<rect class="pms-plot-bar" x="{}" y="{}" width="{}" height="{}"><title>{} – {} {}: {}</title></rect>',
        (
            (
                f"{LEFT + number * step + 1:.1f}", f"{_y(bar['players'] / most):.1f}", f"{step - 2:.1f}",
                f"{_y(0) - _y(bar['players'] / most):.1f}", bar["from"], bar["to"], currency, f"{bar['players']:,}",
            )
            for number, bar in enumerate(bars)
        ),
    )  # fmt: skip
    marks = [(number / len(bars), bar["from"]) for number, bar in enumerate(bars) if number % 6 == 0]
    label = f"Cost by player in {currency}: each bar is a share of all players"
    return _plot(drawn, marks, f"{100 * most / total:.1f} %", label)


@register.simple_tag
def completion_plot(simulation: dict[str, Any]) -> SafeString:
    """Which share of all players has completed the wagering by which day."""
    points = [(float(point["day"]), float(point["percent"])) for point in simulation["completion"]]
    days, most = points[-1][0], max([percent for _, percent in points] + [0.1])
    line = " ".join(f"{_x(day / days):.1f},{_y(percent / most):.1f}" for day, percent in [(0, 0), *points])
    drawn = format_html('<polyline class="pms-plot-line" points="{}"/>', line)
    marks = [(part / 4, f"{days * part / 4:g}") for part in range(5)]
    return _plot(drawn, marks, f"{most:.1f} %", "Share of players who have completed the wagering, by day")


def _x(part: float) -> float:
    return LEFT + part * (WIDTH - LEFT - 16)


def _y(part: float) -> float:
    return TOP + (1 - part) * (HEIGHT - TOP - BOTTOM)


def _plot(drawn: SafeString, marks: Sequence[tuple[float, str]], top: str, label: str) -> SafeString:
    texts = format_html_join(
        "",
        '<text class="pms-plot-text" x="{}" y="{}">{}</text>',
        ((f"{_x(part):.1f}", HEIGHT - 8, text) for part, text in marks),
    )
    return format_html(
        '<svg class="pms-plot" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<line class="pms-plot-axis" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="pms-plot-text" x="0" y="{}">{}</text>{}{}</svg>',
        WIDTH, HEIGHT, label, LEFT, WIDTH, _y(0), _y(0), TOP + 10, top, drawn, texts,
    )  # fmt: skip
