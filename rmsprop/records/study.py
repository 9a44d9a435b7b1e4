"""A study: one task at many points, and what is concluded from its results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rmsprop.experiments.sweep import Columns, Point, Sweep, Task, grid
from rmsprop.records.conclusions import HOLDS, Conclusion, Judgment, judge

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """Methods compared under the same conditions.

    Attributes:
        name: what its recording is called.
        task: takes the arguments of the points and a `nudge`, and returns columns. The nudge
            changes the start by that part of itself; what then changes hangs on the last bits.
        points: what is recorded, all with the same arguments. Where there are conclusions these
            are `method` and `seed`, and the task returns the column ``rate`` and what was measured
            at each of them.
        scope: for which problem, run length and grid the results hold; Markdown.
        conclusions: what is concluded.
        rtol: how far, relatively, a value may lie from the recorded one to be alike.
    """

    name: str
    task: Task
    points: Sequence[Point]
    scope: str
    conclusions: tuple[Conclusion, ...] = ()
    rtol: float = 1e-6

    @property
    def seeds(self) -> int:
        """How many seeds are recorded, 0 if chance has no part."""
        return len({value for point in self.points for name, value in point if name == "seed"})

    def sweep(self, nudge: float = 0.0) -> Sweep:
        """Return the runs that are recorded."""
        return self._at(self.points, nudge)

    def on_seeds(self, seeds: Iterable[int], methods: Iterable[str]) -> Sweep:
        """Return the runs of some methods on seeds."""
        return self._at(grid(method=methods, seed=seeds), nudge=0.0)

    def _at(self, points: Iterable[Point], nudge: float) -> Sweep:
        return Sweep(self.task, [Point((*point, ("nudge", nudge))) for point in points])

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
