"""Verify published figures: execute their chapters again and compare."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsprop.records.compare import Comparison, compare, tally
from rmsprop.records.environment import describe
from rmsprop.records.record import Record, read
from rmsprop.records.report import in_columns, in_markdown
from rmsprop.records.rerun import Progress, rerun
from rmsprop.records.source import find_sources, require

__all__ = ["Report", "Result", "verify"]


@dataclass(frozen=True)
class Result:
    """One figure: its record, its record of this run, and what comparing them gave."""

    id: str
    published: Record | None
    fresh: Record | None
    comparison: Comparison

    @property
    def cells(self) -> tuple[str, ...]:
        """The figure's row in the table."""
        known = self.published or self.fresh
        greatest = self.comparison.greatest
        return (
            self.id,
            known.kind if known else "",
            self.comparison.verdict,
            f"{greatest.size:.2g}" if greatest else "",
            f"{greatest.allowed:.2g}" if greatest else "",
        )


@dataclass(frozen=True)
class Report:
    """What came of verifying figures.

    Attributes:
        results: one per figure.
        failures: cells that failed for another reason than a deviating figure.
        seconds: wall time.
        environment: what the run was made with.
    """

    results: list[Result]
    failures: list[str]
    seconds: float
    environment: dict[str, str]

    @property
    def verified(self) -> bool:
        """Whether every figure is what its record says, and no cell failed."""
        bad = [r for r in self.results if r.comparison.verdict in ("deviates", "missing")]
        return not bad and not self.failures

    def summary(self) -> str:
        """Return how many figures got which verdict, and the time it took."""
        verdicts = tally(result.comparison for result in self.results)
        return f"{len(self.results)} figures: {verdicts}; {self.seconds:.0f} s"

    def details(self) -> list[str]:
        """Return what deviates or failed, a sentence each."""
        lines = [
            f"{result.id}: {difference}"
            for result in self.results
            for difference in result.comparison.differences
        ]
        return lines + self.failures

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table, its head first."""
        return [_HEADER, *(result.cells for result in self.results)]

    def table(self) -> str:
        """Return the table as text."""
        return in_columns(self.rows())

    def markdown(self) -> str:
        """Return the report to attach to a review."""
        e = self.environment
        lines = [
            "# Verification of figures",
            "",
            f"Command: `make verify`. {self.summary()}.",
            "",
            *(f"- {name}: {value}" for name, value in e.items()),
            "",
            *in_markdown(self.rows()),
            "",
            *(f"- {line}" for line in self.details()),
            *([""] if self.details() else []),
            "SHA-256 of the published data:",
            "",
            *(f"- {r.id}: {r.published.sha256}" for r in self.results if r.published),
        ]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Return everything for machines."""
        return json.dumps(
            {
                "verified": self.verified,
                "seconds": round(self.seconds, 1),
                "environment": self.environment,
                "failures": self.failures,
                "figures": [_to_json(result) for result in self.results],
            },
            indent=1,
            ensure_ascii=False,
        )


_HEADER = ("figure", "kind", "verdict", "greatest deviation", "tolerance")


def _to_json(result: Result) -> dict[str, Any]:
    greatest = result.comparison.greatest
    return {
        "id": result.id,
        "kind": result.cells[1],
        "verdict": result.comparison.verdict,
        # Infinity is not JSON.
        "greatest": greatest
        and {k: v if v not in (float("inf"), float("-inf")) else str(v)
             for k, v in vars(greatest).items()},
        "differences": list(result.comparison.differences),
        "published": result.published and result.published.sha256,
        "fresh": result.fresh and result.fresh.sha256,
    }  # fmt: skip


def verify(root: Path, ids: Collection[str], progress: Progress) -> Report:
    """Execute the chapters of figures again and compare each with its record.

    Args:
        root: the repository, or a release.
        ids: the figures; none means all.
        progress: called as by `rmsprop.records.rerun.rerun`.

    Returns:
        The report. A figure without a record, or without a cell that publishes it, is missing.

    Raises:
        RecordError: for an unknown id or a damaged record, before anything is executed.
    """
    begin = time.perf_counter()
    folder, sources = root / "book" / "figures", find_sources(root / "book")
    known = dict.fromkeys([*sources, *sorted(path.stem for path in folder.glob("[!.]*.json"))])
    require(ids, known)
    wanted = list(ids or known)
    published = {id: read(folder, id) for id in wanted}
    chapters = sorted({sources[id].chapter for id in wanted if id in sources})
    run = rerun(root, chapters, progress)
    results = []
    for id in wanted:
        old, new = published[id], run.figures.get(id)
        if new is None:
            comparison = Comparison("missing", differences=("this run did not publish it",))
        elif old is None:
            comparison = Comparison("missing", differences=("it has no record",))
        else:
            comparison = compare(old, new)
        results.append(Result(id, old, new, comparison))
    return Report(results, run.failures, time.perf_counter() - begin, describe(root))
