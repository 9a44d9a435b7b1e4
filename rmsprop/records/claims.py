"""The claims under test, and verdicts that rest on asserted numbers.

A chapter ends each test with one `verdict`. Its numbers are checked on the spot, so a verdict that
does not hold stops the chapter; the ledger collects the verdicts of all executed chapters.

`CLAIMS` restates what one short article says; `RULINGS` defines what a verdict can be. A reason
supports its ruling and no other, and each piece of evidence must be able to fail.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rmsprop.records.mime import EVIDENCE, VERDICT

__all__ = [
    "CLAIMS",
    "RULINGS",
    "Check",
    "Evidence",
    "at_least",
    "at_most",
    "check",
    "equal",
    "verdict",
]

#: The claims under test, by their ids.
CLAIMS = {
    "C1": "RMSprop gives every parameter its own learning rate.",
    "C2": "It does so through an exponential moving average of squared gradients.",
    "C3": "The smoothing constant alpha is usually 0.99.",
    "C4": "The update divides the gradient by the root of that average.",
    "C5": "Where the gradient is large the update shrinks, where it is small the update grows.",
    "C6": "In a narrow valley RMSprop takes a shorter way to the minimum than gradient descent.",
    "C7": "The smaller alpha, the fewer past gradients count.",
    "C8": "Centered RMSprop normalizes the gradient by its variance.",
    "C9": "Subtracting the mean, as centering does, can improve training.",
    "C10": "Centering costs a little extra.",
    "C11": "A code sample of eleven statements trains a linear layer for one step.",
}
#: What a verdict can be, and what each means.
RULINGS = {
    "holds": "The claim is true as it is worded.",
    "holds with a correction": "Part of the claim is true, and the rest becomes true by a word, a "
    "term or a condition that the reason gives.",
    "does not hold": "What the claim says does not happen, and the reason says what does.",
}


@dataclass(frozen=True)
class Evidence:
    """One measured number and what it was compared with.

    Attributes:
        quantity: what was measured, in words; Markdown.
        measured: the number that the chapter computed.
        relation: ``=``, ``at least`` or ``at most``.
        reference: the number that it is compared with.
        tolerance: greatest absolute deviation allowed, for ``=``.
    """

    quantity: str
    measured: float
    relation: str
    reference: float
    tolerance: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the number stands in the relation; NaN never does."""
        if self.relation == "=":
            return abs(self.measured - self.reference) <= self.tolerance
        if self.relation == "at least":
            return self.measured >= self.reference
        return self.measured <= self.reference

    @property
    def requirement(self) -> str:
        """The comparison in words.

        >>> equal("half-life", 6.58, 6.5788, atol=0.01).requirement
        '= 6.5788 ± 0.01'
        """
        spread = f" ± {self.tolerance:.2g}" if self.tolerance else ""
        return f"{self.relation} {self.reference:.6g}{spread}"


def equal(
    quantity: str, measured: float, reference: float, *, rtol: float = 0.0, atol: float = 0.0
) -> Evidence:
    """Return the evidence that a number equals its reference to ``atol + rtol * abs(reference)``.

    Raises:
        ValueError: if that tolerance is infinite, which any number would meet.

    >>> equal("window", 10.0, 10.0).holds
    True
    """
    tolerance = atol + rtol * abs(float(reference))
    if math.isinf(tolerance):
        raise ValueError(f"tolerance must be finite, got {tolerance} for {quantity}")
    return Evidence(quantity, float(measured), "=", float(reference), tolerance)


def at_least(quantity: str, measured: float, bound: float) -> Evidence:
    """Return the evidence that a number reaches a bound.

    >>> at_least("speed-up", 3.0, 2.0).holds
    True
    """
    return Evidence(quantity, float(measured), "at least", float(bound))


def at_most(quantity: str, measured: float, bound: float) -> Evidence:
    """Return the evidence that a number stays within a bound.

    >>> at_most("error", 3.0, 2.0).holds
    False
    """
    return Evidence(quantity, float(measured), "at most", float(bound))


def _in_rows(evidence: Sequence[Evidence]) -> str:
    rows = [
        rf"| {e.quantity.replace('|', chr(92) + '|')} | {e.measured:.6g} | {e.requirement} |"
        for e in evidence
    ]
    return "\n".join(["| measured | value | required |", "| :-- | --: | :-- |", *rows])


def _require(evidence: Sequence[Evidence], of: str) -> None:
    if not evidence:
        raise ValueError(f"evidence must hold at least one number, got none for {of}")
    failed = [
        f"{e.quantity} is {e.measured!r}, required {e.requirement}" for e in evidence if not e.holds
    ]
    if failed:
        raise AssertionError(f"{of} has a number that fails: " + "; ".join(failed))


@dataclass(frozen=True)
class Check:
    """Numbers that hold and belong to no claim; a notebook shows them as a table."""

    evidence: tuple[Evidence, ...]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        table = _in_rows(self.evidence)
        return {EVIDENCE: {"count": len(self.evidence), "table": table}, "text/markdown": table}


def check(*evidence: Evidence) -> Check:
    """Require numbers that belong to none of the claims.

    Args:
        evidence: at least one, from `equal`, `at_least` or `at_most`.

    Returns:
        The numbers, to be shown as a table.

    Raises:
        ValueError: for no evidence.
        AssertionError: if a number fails; names the quantity, its value and the requirement.

    >>> check(equal("window", 10, 10)).evidence[0].holds
    True
    """
    _require(evidence, "the check")
    return Check(evidence)


@dataclass(frozen=True)
class Verdict:
    """A ruling on one claim, with its reason and its numbers; a notebook shows it as a box.

    Attributes:
        claim: its id, a key of `CLAIMS`.
        ruling: a key of `RULINGS`.
        reason: one or two sentences; Markdown.
        evidence: the numbers that decide it.
        figures: ids of the figures that show it.
    """

    claim: str
    ruling: str
    reason: str
    evidence: tuple[Evidence, ...]
    figures: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The evidence as a Markdown table."""
        return _in_rows(self.evidence)

    def __str__(self) -> str:
        return f"{self.claim} {self.ruling}: {CLAIMS[self.claim]} {self.reason}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        heading = f"**{self.claim} {self.ruling}.** *{CLAIMS[self.claim]}*"
        return {
            VERDICT: asdict(self) | {"table": self.table},
            "text/markdown": f"{heading}\n\n{self.reason}\n\n{self.table}",
            "text/plain": str(self),
        }


def verdict(
    claim: str, ruling: str, reason: str, *evidence: Evidence, figures: Sequence[str] = ()
) -> Verdict:
    """Rule on a claim, provided that every piece of evidence holds.

    Args:
        claim: its id, a key of `CLAIMS`.
        ruling: a key of `RULINGS`, as it is defined there.
        reason: one or two sentences; Markdown.
        evidence: at least one, from `equal`, `at_least` or `at_most`.
        figures: ids of the published figures that show it.

    Returns:
        The verdict; as the last value of a cell it is shown, and found by the ledger.

    Raises:
        ValueError: for an unknown claim or ruling, or no evidence.
        AssertionError: if a number fails; names the quantity, its value and the requirement.

    >>> print(verdict("C7", "holds", "It does.", equal("window", 10, 10)))
    C7 holds: The smaller alpha, the fewer past gradients count. It does.
    """
    if claim not in CLAIMS:
        raise ValueError(f"claim must be one of {', '.join(CLAIMS)}, got {claim!r}")
    if ruling not in RULINGS:
        raise ValueError(f"ruling must be one of {', '.join(RULINGS)}, got {ruling!r}")
    _require(evidence, claim)
    return Verdict(claim, ruling, reason, evidence, tuple(figures))
