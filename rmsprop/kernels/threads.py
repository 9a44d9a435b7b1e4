"""Threads that share the work of a step. They outlive it, and are made anew after a fork."""

import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["in_threads"]

Call = Callable[[], None]


def in_threads(work: Callable[[bool], None], threads: int, aside: Call) -> None:
    """Let threads share some work, while one of them does something else first.

    Where no other thread is to be had this one does it all, and it never waits for one that has not
    begun.

    Args:
        work: what each thread calls, this one with True and the others, guests, with False. It
            takes a share until there is none left, and lets go of the interpreter meanwhile. Of
            this thread it keeps hold until no guest is at work any more: as an exception, such as
            Ctrl-C, may come between any two lines of Python, none of them could.
        threads: how many share the work, at most.
        aside: what is called once, and needs the interpreter. It is done when this returns or, for
            a single Ctrl-C, raises.

    >>> called = []
    >>> in_threads(lambda is_host: called.append("work"), 2, lambda: called.append("aside"))
    >>> called.count("aside"), "work" in called
    (1, True)
    """
    turn, asides = threading.Lock(), [aside]

    def call_aside() -> None:
        for call in asides:
            call()
        asides.clear()

    def share() -> None:
        if turn.acquire(blocking=False):
            try:
                call_aside()
            finally:
                turn.release()
        work(False)

    for _ in range(_crew.grown_to(threads - 1)):
        _crew.calls.put(share)
    try:
        work(True)
    finally:
        try:
            with turn:  # no exception comes between taking it and what gives it back
                call_aside()
        finally:
            with turn:
                call_aside()  # where the first time was interrupted


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
            call = self.calls.get()
            # What it raises, the one that asked for it finds out by itself.
            with contextlib.suppress(BaseException):
                call()
            del call  # and with it the tensors


def _after_fork() -> None:
    global _crew
    _crew = _Crew()


_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
