"""A study: one task, many methods, many seeds, and what is concluded from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rmsprop.experiments.sweep import Columns, Sweep, Task, grid
from rmsprop.records.conclusions import HOLDS, Conclusion, Judgment, judge

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """Methods compared on the same seeds.

    Attributes:
        name: what its recording is called.
        task: takes `method`, `seed` and `nudge`, and returns the column ``rate`` and what was
            measured at each of them. The nudge changes the start by that part of itself; what then
            changes hangs on the last bits.
        methods: the names that the task knows.
        scope: for which problem, run length and grid the conclusions hold; Markdown.
        conclusions: what is concluded.
        seeds: how many are recorded, from 0.
    """

    name: str
    task: Task
    methods: Sequence[str]
    scope: str
    conclusions: tuple[Conclusion, ...] = ()
    seeds: int = 128

    def sweep(
        self, seeds: Iterable[int], methods: Iterable[str] | None = None, nudge: float = 0.0
    ) -> Sweep:
        """Return the runs of methods, all unless named, on seeds."""
        chosen = self.methods if methods is None else methods
        return Sweep(self.task, grid(method=chosen, nudge=[nudge], seed=seeds))

    def concluded(self, columns: Columns) -> dict[str, Judgment]:
        """Judge all conclusions by the recorded results.

        Args:
            columns: from `rmsprop.records.recording.recorded`.

        Returns:
            The judgments by the conclusions' ids.

        Raises:
            AssertionError: if one does not hold; names it and its interval.
        """
        judged = {each.id: judge(each, columns) for each in self.conclusions}
        for id, judgment in judged.items():
            if judgment.verdict != HOLDS:
                raise AssertionError(
                    f"the interval of conclusion {id} must lie {judgment.conclusion.claim}, got "
                    f"{judgment.in_digits()}; best rates at an end of their grid: "
                    f"{', '.join(judgment.at_end) or 'none'}"
                )
        return judged
