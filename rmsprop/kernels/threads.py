"""Threads that share the work of a step. They outlive it, and are made anew after a fork."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import SimpleQueue

__all__ = ["in_threads"]


def in_threads(work: Callable[[int], None], parts: int) -> None:
    """Call `work` with 0, 1, ..., `parts` - 1, in this thread and others, and wait for all.

    Where no other thread is to be had this one makes all calls. An exception, Ctrl-C too, is raised
    when none of them runs any more.

    Args:
        work: lets go of the interpreter while it works.
        parts: how many calls, and threads at most.

    >>> made = []
    >>> in_threads(made.append, 3)
    >>> sorted(made)
    [0, 1, 2]
    """
    left, errors = deque(range(parts)), SimpleQueue[BaseException | None]()

    def take_parts() -> None:
        while left:
            try:
                part = left.popleft()
            except IndexError:  # another was faster
                return
            try:
                work(part)
            except BaseException as error:
                errors.put(error)
            else:
                errors.put(None)

    others: list[Future[None]] = []
    try:
        # Without threads to be had, or late in the interpreter's life, this one does it all.
        with suppress(RuntimeError):
            others += [_pool.submit(take_parts) for _ in range(parts - 1)]
        take_parts()
        outcome = [errors.get() for _ in range(parts)]
    except BaseException:
        left.clear()
        wait(others)
        raise
    for error in outcome:
        if error is not None:
            raise error


def _new_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="rmsprop")


def _after_fork() -> None:
    global _pool
    _pool = _new_pool()


_pool = _new_pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
