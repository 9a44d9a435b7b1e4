"""Warnings about kernels that cannot be used here."""

import contextlib
import warnings

__all__ = ["warn_once"]


def warn_once(sentence: str) -> None:
    """Warn in one sentence, once in the life of a process."""
    if sentence not in _said:
        _said.add(sentence)
        with contextlib.suppress(MemoryError):  # which may be what it is about
            warnings.warn(sentence, RuntimeWarning, stacklevel=2)


_said: set[str] = set()
