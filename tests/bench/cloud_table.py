# SPDX-License-Identifier: Apache-2.0
"""The figures of tests/bench/cloud as Markdown: one table, the ratios first."""
import statistics

HEADS = ("upload", "through the proxy", "with `quota = off`", "direct", "goal")


def medians(taken):
    """Of the upload past the proxy, in seconds, and of the other two, as ratios to it."""
    direct, through, off = (statistics.median(seconds) for seconds in taken.values())
    return direct, through / direct, off / direct


def is_met(row, taken):
    return medians(taken)[1] <= row.most


def goal_text(row, taken):
    if not row.most:
        return ""
    return f"at most {row.most:.2f}: {'met' if is_met(row, taken) else '**not met**'}"


def line_of(row, taken):
    direct, through, off = medians(taken)
    cells = (f"{row.name}. {row.title}", f"{through:.2f}", f"{off:.2f}", f"{direct:.2f} s", goal_text(row, taken))
    return "| " + " | ".join(cells) + " |"


def table(results):
    """`results`: a row, and the seconds of its rounds by contender, the upload past the proxy first."""
    yield "| " + " | ".join(HEADS) + " |"
    yield "|" + " --- |" * len(HEADS)
    for row, taken in results:
        yield line_of(row, taken)


def goals_met(results):
    met = [is_met(row, taken) for row, taken in results if row.most]
    return f"{sum(met)} of {len(met)} goals are met."
