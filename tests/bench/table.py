# SPDX-License-Identifier: Apache-2.0
"""The figures as Markdown: one table, with the goals next to their rows."""

HEADS = ("work", "through", "rate", "CPU", "memory", "waits", "CPU, to the best peer's",
         "rate, to the best peer's", "goal")


def wait_text(seconds):
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


FORMATS = (
    ("rate", "rate", lambda value: f"{value:.0f} MiB/s"),
    ("rate", "requests", lambda value: f"{value:.0f} /s"),
    ("CPU", "cpu", lambda value: f"{value:.3f} s/GiB"),
    ("CPU", "request_cpu", lambda value: f"{value * 1e6:.1f} µs each"),
    ("memory", "peak", lambda value: f"{value / 1024:.1f} MiB"),
    ("memory", "each", lambda value: f"{value:.1f} KiB each"),
    ("waits", "p50", lambda value: f"p50 {wait_text(value)}"),
    ("waits", "p99", lambda value: f"p99 {wait_text(value)}"),
    ("waits", "longest", lambda value: f"longest {wait_text(value)}"),
)


def ratio(row, medians, label, figures, best):
    """Of the first of `figures` that it has; empty if no peer has it."""
    for figure in figures:
        if row.peers() and figure in medians[label]:
            of_peers = best(medians[peer][figure] for peer in row.peers())
            return f"{medians[label][figure] / of_peers:.2f}"
    return ""


def goal_text(goal, medians, peers):
    value = goal.value(medians, peers)
    sense = "at least" if goal.at_least else "at most"
    met = "met" if goal.is_met(value) else "**not met**"
    return f"{goal.text} {value:.3g}, {sense} {goal.limit:g}: {met}"


def cells(row, medians, label):
    found = {head: [] for head in HEADS}
    for head, figure, text in FORMATS:
        if figure in medians[label]:
            found[head].append(text(medians[label][figure]))
    ratios = {
        "CPU, to the best peer's": ratio(row, medians, label, ("cpu", "request_cpu"), min),
        "rate, to the best peer's": ratio(row, medians, label, ("rate", "requests"), max),
    }
    found["through"] = [label]
    return {**{head: ", ".join(texts) for head, texts in found.items()}, **ratios}


def lines_of(row, medians, rounds):
    for number, contender in enumerate(row.contenders):
        line = cells(row, medians, contender.label)
        if number == 0:
            line["work"] = f"{row.name}. {row.title}, {rounds} round{'s' if rounds > 1 else ''}"
            line["goal"] = "; ".join(goal_text(goal, medians, row.peers()) for goal in row.goals)
        yield "| " + " | ".join(line[head] for head in HEADS) + " |"


def table(results):
    """`results`: a row, its medians by label and figure, and its rounds."""
    yield "| " + " | ".join(HEADS) + " |"
    yield "|" + " --- |" * len(HEADS)
    for row, medians, rounds in results:
        yield from lines_of(row, medians, rounds)


def goals_met(results):
    """As text."""
    met = [goal.is_met(goal.value(medians, row.peers()))
           for row, medians, _ in results for goal in row.goals]
    return f"{sum(met)} of {len(met)} goals are met."
