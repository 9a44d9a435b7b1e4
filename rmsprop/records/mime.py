"""The kinds of output that are our own, by MIME type."""

__all__ = ["EVIDENCE", "FIGURE", "VERDICT"]

EVIDENCE = "application/vnd.rmsprop.evidence+json"
"""Numbers that hold: how many, and their table."""

FIGURE = "application/vnd.rmsprop.figure+json"
"""A published figure: its record, its data and its picture."""

VERDICT = "application/vnd.rmsprop.verdict+json"
"""A ruling on a claim."""
