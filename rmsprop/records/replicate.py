"""Replicate conclusions: make them anew on seeds that nobody has looked at."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rmsprop.experiments.engines import choose_engine
from rmsprop.experiments.sweep import run
from rmsprop.records.conclusions import HOLDS, Judgment, judge
from rmsprop.records.environment import describe
from rmsprop.records.record import RecordError
from rmsprop.records.recording import read
from rmsprop.records.report import in_columns, in_markdown
from rmsprop.records.source import require
from rmsprop.records.study import Study

__all__ = ["Replication", "fresh_seeds", "replicate"]


@dataclass(frozen=True)
class Replication:
    """Conclusions, each judged by the recording and by fresh seeds.

    Attributes:
        pairs: of every conclusion the published judgment and the fresh one.
        seeds: the fresh ones.
        seconds: wall time.
        environment: what the run was made with.
    """

    pairs: list[tuple[Judgment, Judgment]]
    seeds: range
    seconds: float
    environment: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether every conclusion holds on the fresh seeds."""
        return all(fresh.verdict == HOLDS for _, fresh in self.pairs)

    def summary(self) -> str:
        """Return how many conclusions got which verdict, and the time it took."""
        verdicts = [fresh.verdict for _, fresh in self.pairs]
        counted = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
        return (
            f"{len(verdicts)} conclusions on seeds {self.seeds.start} to {self.seeds.stop - 1}: "
            f"{counted}; {self.seconds:.0f} s"
        )

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table, its head first."""
        head = ("conclusion", "claimed", "published", "fresh", "verdict")
        return [
            head,
            *(
                (
                    published.conclusion.id,
                    published.conclusion.claim,
                    published.in_digits(),
                    fresh.in_digits(),
                    fresh.verdict,
                )
                for published, fresh in self.pairs
            ),
        ]

    def table(self) -> str:
        """Return the table as text."""
        return in_columns(self.rows())

    def markdown(self) -> str:
        """Return the report to attach to an issue or a review."""
        lines = [
            "# Replication of conclusions",
            "",
            f"Command: `make replicate SEEDS={self.seeds.start}:{self.seeds.stop}`. "
            f"{self.summary()}.",
            "",
            *(f"- {name}: {value}" for name, value in self.environment.items()),
            "",
            *in_markdown(self.rows()),
            "",
            *(f"- `{p.conclusion.id}`: {p.conclusion.says}" for p, _ in self.pairs),
        ]
        return "\n".join(lines) + "\n"


def fresh_seeds(count: int, day: date) -> range:
    """Return the seeds of a day: another block every day, none of them recorded.

    >>> fresh_seeds(64, date(2026, 1, 2))
    range(20260102000, 20260102064)
    """
    first = int(day.strftime("%Y%m%d")) * 1000
    return range(first, first + count)


def replicate(
    root: Path, studies: Sequence[Study], ids: Collection[str], seeds: range
) -> Replication:
    """Run the methods that conclusions compare on fresh seeds, and judge again.

    Args:
        root: the repository, or a release.
        studies: where conclusions are declared.
        ids: the conclusions; none means all.
        seeds: none of them recorded, at least two.

    Raises:
        RecordError: for an unknown id, a recording that is damaged or stale, and seeds that the
            recordings rest on.
        SweepError: if runs failed.
    """
    begin = time.perf_counter()
    require(ids, [each.id for study in studies for each in study.conclusions], "conclusion")
    recorded = max(study.seeds for study in studies)
    if len(seeds) < 2 or seeds.start < recorded:
        raise RecordError(
            f"seeds must be at least two, from {recorded} on, which no recording rests on, "
            f"got {seeds.start}:{seeds.stop}"
        )
    pairs = [pair for study in studies for pair in _judged(root, study, ids, seeds)]
    return Replication(pairs, seeds, time.perf_counter() - begin, describe(root))


def _judged(
    root: Path, study: Study, ids: Collection[str], seeds: range
) -> Iterable[tuple[Judgment, Judgment]]:
    chosen = [each for each in study.conclusions if not ids or each.id in ids]
    if not chosen:
        return []
    published = read(study, root / "book" / "sweeps").columns
    methods = dict.fromkeys(method for each in chosen for method in each.methods)
    store = root / "build" / "sweeps"
    fresh = run(study.on_seeds(seeds, methods), store, choose_engine(), title=study.name)
    return [(judge(each, published), judge(each, fresh)) for each in chosen]
