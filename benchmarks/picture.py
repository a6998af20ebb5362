"""The picture of docs/performance.md: seconds by row and system on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from benchmarks.peers.install import PEERS
from benchmarks.peers.turns import OURS

_COLOURS = {OURS: "#1b6ca8", "spu": "#c98b2b", "crypten": "#9a9a9a"}
_HEIGHT = 0.27


def draw(own: dict[str, Any], peers: dict[str, Any], path: Path) -> None:
    """Bars for every row that was compared, or that we measured alone."""
    found = _seconds(own, peers)
    titles = [title for title, _ in found]
    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(found) + 1.2))
    for number, name in enumerate((OURS, *PEERS)):
        places = [row + number * _HEIGHT for row, (_, by_system) in enumerate(found) if name in by_system]
        widths = [by_system[name] for _, by_system in found if name in by_system]
        if widths:
            bars = axes.barh(places, widths, _HEIGHT, label=name, color=_COLOURS[name])
            axes.bar_label(bars, [f"{width:.2g}" for width in widths], padding=2, fontsize=7)
    axes.set_yticks([row + _HEIGHT for row in range(len(titles))], titles, fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("seconds, two parties on one machine, one thread each")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    with matplotlib.rc_context({"svg.hashsalt": "tacit"}):  # the same figures give the same file
        figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _seconds(own: dict[str, Any], peers: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """By title, the seconds of every system that was measured."""
    found: dict[str, dict[str, float]] = {}
    for record in own["rows"].values():
        if record["status"] == "measured" and record["sharing"] == "joint":
            found[record["title"]] = {OURS: record["online"]["seconds"]}
    for record in peers["rows"].values():
        systems = record["systems"].items()
        measured = {name: system["online"]["seconds"] for name, system in systems if system["status"] == "measured"}
        if measured:
            found[record["title"]] = measured
    return list(found.items())
