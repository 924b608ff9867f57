# SPDX-License-Identifier: Apache-2.0
"""The rounds of a row: its contenders take turns while there is time."""
import statistics
import time

import cores


class Clock:
    """Divides the time among rows; each gets the time left over by the ones before it, and none uses the time
    of later rows."""

    def __init__(self, seconds, rows):
        self._deadline = time.monotonic()
        self._share = seconds / sum(row.share() for row in rows)
        self.end = self._deadline + seconds

    def deadline(self, row):
        """The deadline of the next row."""
        self._deadline += row.share() * self._share
        return self._deadline


def measure(bench, contender, sink):
    """Each measurement has its own server: the kernel's placement of a process and its connections makes more
    difference than some proxies do, and lasts as long as the process."""
    with bench.start(contender, sink) as server:
        contender.work.prepare(bench, server, contender, sink)
        return contender.work.measure(bench, server, contender)


class Rounds:
    """The rounds of one row."""

    def __init__(self, row):
        self.row = row
        self._figures = []  # of each: by label and figure
        self._longest = 0  # seconds

    def __len__(self):
        return len(self._figures)

    def go_on(self, bench, most, deadline):
        """Until there are `most`, or one more would be too late. There is at least one."""
        if not self._has_time(most, deadline):
            return
        cores.keep_apart(self.row.apart())
        digest = any(contender.verify == "digest" for contender in self.row.contenders)
        with bench.sink(digest) as sink:
            while self._has_time(most, deadline):
                began = time.monotonic()
                self._figures.append(self._one(bench, sink))
                self._longest = max(self._longest, time.monotonic() - began)

    def medians(self):
        """By label and figure."""
        return {label: {figure: statistics.median(each[label][figure] for each in self._figures)
                        for figure in figures}
                for label, figures in self._figures[0].items()}

    def _has_time(self, most, deadline):
        late = time.monotonic() + self._longest > deadline
        return not self._figures or (len(self._figures) < most and not late)

    def _one(self, bench, sink):
        """Every round begins with another contender."""
        turn = len(self._figures) % len(self.row.contenders)
        return {one.label: measure(bench, one, sink)
                for one in self.row.contenders[turn:] + self.row.contenders[:turn]}
