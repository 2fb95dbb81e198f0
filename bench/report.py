"""What the rounds gave, as Markdown and as a picture."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rounds import median
from rows import ECHO_ROWS, PROXY_ROWS, goal

if TYPE_CHECKING:
    from rounds import Outcome, RowResult

ROWS = {row.key: row for row in (*ECHO_ROWS, *PROXY_ROWS)}
OURS, THEIRS, REFERENCE, INK, FAINT = "#0b6e4f", "#b8c0c8", "#5b6770", "#20262b", "#8b949b"


def spread(values: list[float], digits: int = 2) -> str:
    if not values:
        return "-"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def head(versions: dict[str, str], rounds: int, seconds: float) -> list[str]:
    return [
        "# Benchmarks",
        "",
        f"{processor()}, Linux {platform.release()}. {rounds} interleaved rounds of {seconds:g} s each.",
        "Server on one core, load generator (`bench/load.c`, which checks every byte) on the other. Ratios are to the",
        "C server, taken round by round: median (lowest to highest). CPU is the server's, all its threads, over the",
        "measured window. How much of a difference is noise is what the row `again` says: the C server a second time.",
        "",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
    ]


def verdict(result: RowResult, outcome: Outcome) -> str:
    aim = goal(ROWS[result.key], outcome.server)
    if aim is None:
        return ""
    reached = median(result.ratio(outcome))
    good = reached >= aim if result.by_rate else reached <= aim
    return f"{'at least' if result.by_rate else 'at most'} {aim:.2f}: {'yes' if good else 'no'}"


def line(result: RowResult, outcome: Outcome) -> str:
    if outcome.failure:
        return f"| {outcome.server} | fails: {outcome.failure} | | | | | |"
    cells = [
        outcome.server + (" *" if outcome.note else ""),
        spread(result.ratio(outcome)),
        spread(outcome.cpu),
        f"{median(outcome.rate):,.0f}",
        f"{100 * outcome.user_share():.0f}%",
        f"{median(outcome.p50):.0f} / {median(outcome.p99):.0f}",
        verdict(result, outcome),
    ]
    return "| " + " | ".join(cells) + " |"


def table(result: RowResult) -> list[str]:
    measured = "rate" if result.by_rate else "CPU"
    plural = {"MiB": "MiB", "connection": "connections", "message": "messages"}[result.unit]
    heads = ["server", f"{measured}, ratio to C", f"CPU, us a {result.unit}", f"{plural} a second"]
    heads += ["user time", "p50 / p99, us", "goal"]
    lines = [f"### {result.title}", "", "| " + " | ".join(heads) + " |", "|---|---|---|---|---|---|---|"]
    lines += [line(result, outcome) for outcome in result.outcomes]
    notes = sorted({f"{o.server}: {o.note}" for o in result.outcomes if o.note})
    return [*lines, "", *(f"\\* {note}.\n" for note in notes)]


def summary(results: list[RowResult], title: str) -> list[str]:
    """One table over all rows of a family: a line a row, a column a server."""
    names: list[str] = []
    for result in results:
        names += [o.server for o in result.outcomes[1:] if o.server not in names]
    lines = [f"## {title}", "", "| work | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for result in results:
        by_name = {o.server: o for o in result.outcomes}
        cells = []
        for name in names:
            outcome = by_name.get(name)
            values = result.ratio(outcome) if outcome and not outcome.failure else []
            cells.append(f"{median(values):.2f}" if values else ("fails" if outcome else ""))
        rate = " (rate, higher is better)" if result.by_rate else ""
        lines.append(f"| {result.title}{rate} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def markdown(results: list[RowResult], extras: list[str], versions: dict[str, str], rounds: int, seconds: float) -> str:
    lines = head(versions, rounds, seconds)
    for title, rows in (("Echo servers", ECHO_ROWS), ("Proxies", PROXY_ROWS)):
        mine = [r for r in results if r.key in {row.key for row in rows}]
        if mine:
            lines += summary(mine, f"{title}: CPU relative to the C one")
    lines += extras
    if results:
        lines += ["## Row by row", ""]
    for result in results:
        lines += table(result)
    return "\n".join(lines).rstrip() + "\n"


def draw_row(axes, result: RowResult) -> None:
    """One panel: a bar a server, best at the top, with its range over the rounds."""
    shown = [o for o in result.outcomes if not o.failure]
    shown.sort(key=lambda o: median(result.ratio(o)), reverse=not result.by_rate)
    widest = max((max(result.ratio(o)) for o in shown), default=1)
    gap = 0.015 * widest
    for place, outcome in enumerate(shown):
        values = result.ratio(outcome)
        middle = median(values)
        ours = outcome.server.startswith("netcore")
        colour = OURS if ours else REFERENCE if outcome.server.startswith("C ") else THEIRS
        axes.barh(place, middle, color=colour, height=0.72)
        axes.plot([min(values), max(values)], [place, place], color=INK, linewidth=0.8)
        weight = "bold" if ours else "normal"
        axes.text(max(values) + gap, place, f"{middle:.2f}", va="center", fontsize=7, color=INK, weight=weight)
    axes.set_yticks(range(len(shown)), [o.server for o in shown], fontsize=7)
    axes.axvline(1, color=INK, linewidth=0.6, linestyle=":")
    axes.set_xlim(0, 1.12 * widest)
    title = result.title + ("\nrate, higher is better" if result.by_rate else "")
    axes.set_title(title, fontsize=8, loc="left", color=INK)
    axes.tick_params(axis="x", labelsize=6, colors=FAINT)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def picture(results: list[RowResult], path: Path) -> bool:
    """Draw every row into one PNG. False when matplotlib is not installed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return False
    columns = min(3, len(results))
    lines = -(-len(results) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(4.6 * columns, 3.1 * lines), squeeze=False)
    panels = list(grid.flat)
    for axes, result in zip(panels, results, strict=False):
        draw_row(axes, result)
    for axes in panels[len(results) :]:
        axes.set_visible(False)
    title = "Server CPU time for the same work, relative to a plain C epoll server (lower is better)"
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return True
