"""A study: one task, many methods, many seeds, and what is concluded from them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rmsprop.experiments.sweep import Sweep, Task, grid
from rmsprop.records.conclusions import Conclusion
from rmsprop.records.record import RecordError

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

    def conclusion(self, id: str) -> Conclusion:
        """Return a conclusion.

        Raises:
            RecordError: if there is none of that id.
        """
        for conclusion in self.conclusions:
            if conclusion.id == id:
                return conclusion
        known = ", ".join(each.id for each in self.conclusions)
        raise RecordError(f"study {self.name} has no conclusion {id!r}; known: {known}")
