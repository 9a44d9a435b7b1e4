"""Threads that share the work of a step. They outlive it, and are made anew after a fork."""

import _thread
import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock

__all__ = ["in_threads"]

Call = Callable[[], None]


def in_threads(work: Callable[[bool], None], threads: int, aside: Call) -> None:
    """Let threads share some work, while one of them does something else first.

    Where no other thread is to be had this one does it all, and it never waits for one that has not
    begun. The others are unknown to `threading`. What they call should make few objects: each may
    set off a collection of garbage, whose finalizers then run in a thread that nobody expects.

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
    turn, asides = Lock(), [aside]

    def call_aside() -> None:
        if asides:
            asides[0]()
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
        self._growth = Lock()

    def grown_to(self, size: int) -> int:
        """Return how many of as many threads there are, having started what was missing."""
        if self._size < size:
            with self._growth:
                while self._size < size:
                    try:
                        _thread.start_new_thread(self._serve, ())
                    except RuntimeError:  # the system has no more, or the interpreter shuts down
                        break
                    self._size += 1
        return min(self._size, size)

    def _serve(self) -> None:
        while True:
            call = self.calls.get()
            # By `contextlib.suppress` it would make an object.
            try:  # noqa: SIM105
                call()
            except BaseException:  # of which the one who asked finds out by itself
                pass
            del call  # and with it the tensors


def _after_fork() -> None:
    global _crew
    _crew = _Crew()


_crew = _Crew()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
