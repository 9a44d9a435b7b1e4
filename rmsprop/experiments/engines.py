"""Engines: where the points of a sweep are run.

An engine is a function that opens a `concurrent.futures.Executor`; ``None`` stands for this
process. Whoever has another Executor, of a cluster for instance, makes an engine of it by
``lambda: contextlib.nullcontext(executor)``.
"""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor

from rmsprop.experiments.sweep import Engine

__all__ = ["all_cores", "choose_engine", "dask", "in_process"]


@contextlib.contextmanager
def in_process() -> Iterator[None]:
    """Open this process: one point after the other.

    >>> with in_process() as executor:
    ...     print(executor)
    None
    """
    yield None


@contextlib.contextmanager
def all_cores() -> Iterator[Executor]:
    """Open a process for every core of this machine, with loky.

    Raises:
        ModuleNotFoundError: if loky is not installed.
    """
    from loky import ProcessPoolExecutor, cpu_count

    executor = ProcessPoolExecutor(cpu_count())
    try:
        yield executor
    except BaseException:
        executor.shutdown(kill_workers=True)
        raise
    executor.shutdown()


@contextlib.contextmanager
def dask() -> Iterator[Executor]:
    """Open the cluster whose scheduler ``RMSPROP_SCHEDULER`` names, with Dask.

    Raises:
        ModuleNotFoundError: if Dask's ``distributed`` is not installed.
        OSError: if no scheduler answers.
    """
    from distributed import Client

    with Client(os.environ["RMSPROP_SCHEDULER"]) as client, client.get_executor() as executor:
        yield executor


def choose_engine() -> Engine:
    """Return Dask's cluster, if ``RMSPROP_SCHEDULER`` names one, else all cores of this machine.

    >>> choose_engine().__name__ in ("all_cores", "dask")
    True
    """
    return dask if os.environ.get("RMSPROP_SCHEDULER") else all_cores
