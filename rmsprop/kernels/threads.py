"""Threads that share the work of a step. They outlive it, and are made anew after a fork."""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["in_threads"]

Call = Callable[[], None]


def in_threads(work: Call, threads: int, aside: Call) -> None:
    """Let threads share some work, while one of them does something else first.

    Where no other thread is to be had this one does it all, and it never waits for one that has not
    begun. An exception, Ctrl-C too, is raised when none of them is at work any more.

    Args:
        work: what each thread calls: it takes a share until there is none left, and lets go of the
            interpreter meanwhile.
        threads: how many share the work, at most.
        aside: what is called once, and needs the interpreter.

    >>> called = []
    >>> in_threads(lambda: called.append("work"), 2, lambda: called.append("aside"))
    >>> called.count("aside"), "work" in called
    (1, True)
    """
    asides, outcomes = [aside], SimpleQueue[BaseException | None]()

    def call_aside() -> None:
        if call := _taken_from(asides):
            call()

    def share() -> None:
        # One who comes when all is done has been crossed off.
        if not _taken_from(invitations):
            return
        try:
            call_aside()
            work()
        except BaseException as error:
            outcomes.put(error)
        else:
            outcomes.put(None)

    guests = _crew.grown_to(threads - 1)
    invitations = [share] * guests
    try:
        for _ in range(guests):
            _crew.calls.put(share)
        if guests == 0:
            call_aside()
        work()
        call_aside()
    finally:
        while _taken_from(invitations):
            guests -= 1
        errors = [error for _ in range(guests) if (error := outcomes.get()) is not None]
    for error in errors:
        raise error


class _Crew:
    """Threads that wait for something to call."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[Call] = SimpleQueue()
        self._size = 0

    def grown_to(self, size: int) -> int:
        """Return how many of as many threads there are, having started what was missing."""
        while self._size < size:
            try:
                threading.Thread(target=self._serve, name="rmsprop", daemon=True).start()
            except RuntimeError:  # the system has no more, or the interpreter is shutting down
                break
            self._size += 1
        return min(self._size, size)

    def _serve(self) -> None:
        while True:
            self.calls.get()()


def _taken_from(calls: list[Call]) -> Call | None:
    """Take the last of some calls, or None where another thread was faster."""
    try:
        return calls.pop()
    except IndexError:
        return None


def _after_fork() -> None:
    global _crew
    _crew = _Crew()


_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
