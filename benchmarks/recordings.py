"""Recorded benchmarks: `make bench` writes them, the chapter on performance reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmsprop.records.repository import find_root

__all__ = ["Recording", "ahead_seconds", "chunk_seconds", "recordings"]

# What older recordings do not have.
LATER = ("cold_seconds", "moved_seconds", "queued_seconds")


class Recording:
    """What one machine measured.

    Attributes:
        device: its name.
        type: ``cpu`` or ``cuda``.
        label: the name with the number of cores and the date, as it stands under a figure.
        sets: the sets of tensors, in the order in which they were measured.
        cases: the pairs of a set and a variant, likewise.
        rounds: how often every contender of a set took its turn.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        machine = content["machine"]
        self.device: str = machine["device"]
        self.type: str = machine["type"]
        cores = f", {machine['cores']} cores" if self.type == "cpu" else ""
        self.label = f"{self.device}{cores}, {content['date']}"
        self.versions: dict[str, str] = machine["versions"]
        self._results = {
            (result["set"], result["variant"], result["contender"]): result
            for result in content["results"]
        }
        self._in_turns = {
            (result["set"], result["contender"], result["variant"]): result["seconds"]
            for result in content["variants"]
        }
        self.sets = list(dict.fromkeys(key[0] for key in self._results))
        self.cases = list(dict.fromkeys(key[:2] for key in self._results))
        self.rounds = len(content["results"][0]["seconds"])

    def median(self, set: str, variant: str, contender: str) -> float | None:
        """Return the median seconds of a step, None where that was not measured."""
        return self.value("median_s", set, variant, contender)

    def value(self, field: str, set: str, variant: str, contender: str) -> Any:
        """Return a field of one result, None where that was not measured.

        Args:
            field: such as ``seconds``, one number per round, or ``peak_extra_bytes``.
            set: of tensors.
            variant: of the rule.
            contender: who took the step.
        """
        result = self._results.get((set, variant, contender))
        if result is None or (field in LATER and field not in result):
            return None
        return result[field]

    def over_fused(
        self, set: str, variant: str, *contenders: str, field: str = "seconds"
    ) -> NDArray[np.float64] | None:
        """Return the time of the fastest contender over that of our fused step, round by round.

        Args:
            set: of tensors.
            variant: of the rule.
            contenders: who took the step, at least one.
            field: ``seconds`` of steps in a row, ``cold_seconds`` of steps with nothing of theirs
                in a cache, ``moved_seconds`` of steps with gradients elsewhere than before, or
                ``queued_seconds`` of steps that wait for a GPU.

        Returns:
            Shape ``(rounds,)``; None where one of them was not measured.
        """
        fused, *others = (
            self.value(field, set, variant, who) for who in ("rmsprop fused", *contenders)
        )
        return np.min(others, axis=0) / fused if fused and all(others) else None

    def over_uncentered(self, set: str, variant: str, contender: str) -> NDArray[np.float64]:
        """Return the time of a variant over that of the uncentered one, in turns, round by round.

        Args:
            set: of tensors.
            variant: of the rule.
            contender: who took the steps.

        Returns:
            Shape ``(rounds,)``.
        """
        both = (self._in_turns[set, contender, each] for each in (variant, "uncentered"))
        return np.divide(*both)


def recordings(root: Path | None = None) -> list[Recording]:
    """Return all recordings of a repository, by name of their file.

    Args:
        root: the repository or release; that of the working directory unless given.
    """
    root = root or find_root()
    files = sorted(root.glob("benchmarks/results/*.json")) if root else []
    return [Recording(json.loads(file.read_text())) for file in files]


def chunk_seconds(root: Path | None = None) -> dict[tuple[str, str], dict[tuple[int, int], float]]:
    """Return the recorded times of the CUDA kernel, see `benchmarks.chunks`.

    Args:
        root: the repository or release; that of the working directory unless given.

    Returns:
        By variant and contender the seconds by elements of a chunk and warps.
    """
    seconds: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    for result in _results("chunks.json", root):
        of_case = seconds.setdefault((result["variant"], result["contender"]), {})
        of_case[result["chunk"], result["warps"]] = result["seconds"]
    return seconds


def ahead_seconds(root: Path | None = None) -> dict[tuple[str, str], dict[int, list[float]]]:
    """Return the recorded times of the CPU kernel by how far ahead it asks, see `benchmarks.ahead`.

    Args:
        root: the repository or release; that of the working directory unless given.

    Returns:
        By variant and contender the seconds of every round by elements ahead.
    """
    seconds: dict[tuple[str, str], dict[int, list[float]]] = {}
    for result in _results("ahead.json", root):
        of_case = seconds.setdefault((result["variant"], result["contender"]), {})
        of_case[result["ahead"]] = result["seconds"]
    return seconds


def _results(name: str, root: Path | None) -> list[dict[str, Any]]:
    root = root or find_root()
    assert root is not None, "this folder is in no clone and no release of the book"
    results: list[dict[str, Any]] = json.loads((root / "benchmarks" / name).read_text())["results"]
    return results
