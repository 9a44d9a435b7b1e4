"""Sweeps: a task run at many points, each result kept as soon as it is there.

A task is an importable function of plain values. Its result at a point is kept in a file of its
own, under a key that holds the point, the task's code and the versions of the packages that it may
use: a sweep that was killed goes on where it stopped, and one more seed costs one more seed.
"""

import hashlib
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_info, threadpool_limits
from tqdm import tqdm

from rmsprop.experiments.closure import code_digest

__all__ = ["Columns", "Engine", "Point", "Sweep", "SweepError", "grid", "run"]

Plain = str | int | float | bool | None
#: Tidy data: for each name an array, all of one length.
Columns = dict[str, NDArray[Any]]
Task = Callable[..., Mapping[str, ArrayLike]]
#: What opens the Executor that points are submitted to, see `rmsprop.experiments.engines`.
Engine = Callable[[], AbstractContextManager[Executor | None]]

PACKAGES = ("numpy", "scipy", "numba", "torch", "scikit-learn")


class SweepError(RuntimeError):
    """Points of a sweep failed; the message names the first. The others' results are kept."""


@dataclass(frozen=True)
class Point:
    """The arguments of one call of a task: a name and a plain value for each.

    >>> print(Point((("alpha", 0.9), ("seed", 3))))
    alpha=0.9, seed=3
    """

    values: tuple[tuple[str, Plain], ...]

    def __post_init__(self) -> None:
        for name, value in self.values:
            if not isinstance(value, Plain):
                raise TypeError(f"{name} must be a plain value, got {value!r}")

    def __iter__(self) -> Iterator[tuple[str, Plain]]:
        return iter(self.values)

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.values)


def grid(**axes: Iterable[Plain]) -> list[Point]:
    """Return the points of a grid, the last axis varying fastest.

    Args:
        axes: for each argument of a task its values.

    Raises:
        TypeError: if a value is not a string, a number, True, False or None.

    >>> for point in grid(alpha=[0.9, 0.99], seed=range(2)):
    ...     print(point)
    alpha=0.9, seed=0
    alpha=0.9, seed=1
    alpha=0.99, seed=0
    alpha=0.99, seed=1
    """
    return [
        Point(tuple(zip(axes, values, strict=True))) for values in itertools.product(*axes.values())
    ]


@dataclass(frozen=True)
class Sweep:
    """A task, and the points at which it is run.

    Attributes:
        task: a function that can be imported by its name, of plain values; returns columns: for
            each name a number or an array, all of one length.
        points: its arguments, no two alike.
    """

    task: Task
    points: Sequence[Point]

    def __post_init__(self) -> None:
        if len(set(self.points)) < len(self.points):
            raise ValueError("points must differ from each other")

    @cached_property
    def code(self) -> str:
        """SHA-256 of the task's code, its own and all it uses of its package."""
        return code_digest(self.task)

    @cached_property
    def versions(self) -> dict[str, str | None]:
        """Packages, None for one that is not there, and kernels, which can change the last bits.

        OpenBLAS has kernels for each kind of processor, and takes others if it is told to.
        """
        kernels = {str(library.get("architecture")) for library in threadpool_info()}
        packages = {name: _version(name) for name in PACKAGES}
        return packages | {"kernels": " ".join(sorted(kernels))}

    def key(self, point: Point) -> str:
        """Return what a result is kept under."""
        said = json.dumps([_name(self.task), self.code, self.versions, str(point)])
        return hashlib.sha256(said.encode()).hexdigest()


def run(sweep: Sweep, store: Path, engine: Engine, *, title: str = "") -> Columns:
    """Run a task at all points that have no result yet, and return the results of all.

    Args:
        sweep: what to run.
        store: the folder where results are kept; made if missing.
        engine: opens what the points are submitted to, see `rmsprop.experiments.engines`.
        title: of the progress bar, which is shown on a terminal.

    Returns:
        Tidy columns, the arguments first, rows in the order of the points, the same whatever the
        engine, and whichever point came first.

    Raises:
        SweepError: if points failed, or workers died at the same points twice. What is finished is
            kept: the next run goes on from there.

    >>> import tempfile
    >>> from rmsprop.conventions import convention
    >>> from rmsprop.experiments.engines import in_process
    >>> points = grid(name=["hinton", "pytorch"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     columns = run(Sweep(convention, points), Path(folder), in_process)
    >>> columns["name"].tolist(), columns["alpha"].tolist()
    (['hinton', 'pytorch'], [0.9, 0.99])
    """
    store.mkdir(parents=True, exist_ok=True)
    paths = {point: store / f"{sweep.key(point)}.json" for point in sweep.points}
    results = {point: read for point, path in paths.items() if (read := _read(path)) is not None}
    failures: dict[Point, BaseException] = {}
    with tqdm(total=len(paths), initial=len(results), desc=title, unit="pt", disable=None) as bar:
        while missing := [point for point in paths if point not in results | failures]:
            try:
                with engine() as executor:
                    for point, future in _completed(executor, sweep.task, missing):
                        failed = future.exception()
                        if isinstance(failed, BrokenExecutor):
                            raise failed
                        if failed:
                            failures[point] = failed
                        else:
                            results[point] = _write(paths[point], future.result())
                        bar.update()
            except BrokenExecutor as broken:
                if not any(point in results | failures for point in missing):
                    raise SweepError(
                        f"workers died before any of {len(missing)} points was finished, such as "
                        f"{missing[0]}: {broken}"
                    ) from broken
    if failures:
        point, failed = next(iter(failures.items()))
        raise SweepError(
            f"{len(failures)} of {len(paths)} points failed, the others are kept; the first is "
            f"{_name(sweep.task)}({point}): {type(failed).__name__}: {failed}"
        ) from failed
    return _tidy(sweep.points, results)


def _completed(
    executor: Executor | None, task: Task, points: Sequence[Point]
) -> Iterator[tuple[Point, "Future[dict[str, list[Any]]]"]]:
    """Submit points, and yield each with its outcome as soon as it is there."""
    if executor is None:
        for point in points:
            yield point, _now(task, point)
        return
    futures = {executor.submit(evaluate, task, point): point for point in points}
    try:
        for future in as_completed(futures):
            yield futures[future], future
    finally:
        for future in futures:
            future.cancel()


def _now(task: Task, point: Point) -> "Future[dict[str, list[Any]]]":
    future: Future[dict[str, list[Any]]] = Future()
    try:
        future.set_result(evaluate(task, point))
    except Exception as error:
        future.set_exception(error)
    return future


def evaluate(task: Task, point: Point) -> dict[str, list[Any]]:
    """Run a task at a point, on one core: sums in threads would depend on how many there are."""
    with threadpool_limits(1):
        columns = {name: np.asarray(values) for name, values in task(**dict(point.values)).items()}
    arguments = {name: np.asarray(value) for name, value in point.values if value is not None}
    names = [*arguments, *columns]
    broadcast = np.broadcast_arrays(*arguments.values(), *columns.values())
    return {name: array.ravel().tolist() for name, array in zip(names, broadcast, strict=True)}


def _tidy(points: Sequence[Point], results: Mapping[Point, dict[str, list[Any]]]) -> Columns:
    names = list(results[points[0]]) if points else []
    return {
        name: np.concatenate([np.asarray(results[point][name]) for point in points])
        for name in names
    }


def _read(path: Path) -> dict[str, list[Any]] | None:
    """Return a result, None if there is none or it is not what was written."""
    try:
        digest, text = path.read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return None
    if digest != hashlib.sha256(text.encode()).hexdigest():
        return None
    return dict(json.loads(text))


def _write(path: Path, result: dict[str, list[Any]]) -> dict[str, list[Any]]:
    text = json.dumps(result)
    digest = hashlib.sha256(text.encode()).hexdigest()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(f"{digest}\n{text}")
    Path(file.name).replace(path)
    return result


def _name(task: Task) -> str:
    return f"{task.__module__}.{task.__qualname__}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
