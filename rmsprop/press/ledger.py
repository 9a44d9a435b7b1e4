"""Write the claim ledger: ``python -m rmsprop.press.ledger EXECUTED.ipynb ... > claims.md``."""

import sys
from pathlib import Path
from typing import Any

from rmsprop.records.claims import CLAIMS, RULINGS
from rmsprop.records.mime import VERDICT
from rmsprop.records.outputs import outputs

__all__ = ["collect", "page"]


def collect(notebooks: list[Path]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Find the verdicts in executed notebooks.

    Args:
        notebooks: paths of executed chapters.

    Returns:
        For each claim the chapter's name and the verdict as its cell published it.

    Raises:
        ValueError: if a claim has no verdict or more than one, or a verdict no known claim; names
            the claims and chapters.
    """
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for path in notebooks:
        for verdict in outputs(path, VERDICT):
            if verdict["claim"] not in CLAIMS:
                raise ValueError(f"{path.stem} rules on {verdict['claim']}, not a claim we test")
            if verdict["claim"] in found:
                other = found[verdict["claim"]][0]
                raise ValueError(f"{verdict['claim']} is ruled in {other} and in {path.stem}")
            found[verdict["claim"]] = (path.stem, verdict)
    missing = [claim for claim in CLAIMS if claim not in found]
    if missing:
        raise ValueError(f"no chapter rules on {', '.join(missing)}")
    return found


def page(verdicts: dict[str, tuple[str, dict[str, Any]]]) -> str:
    """Return the ledger page as MyST Markdown: rulings, then a row and folded numbers per claim."""
    rulings = [verdict["ruling"] for _, verdict in verdicts.values()]
    lines = [
        "# The claim ledger",
        "",
        f"The book tests {len(CLAIMS)} claims of the article that it grew from, a short "
        "introduction to RMSprop. We know neither its author nor its title or address, so the "
        "claims are restated here, and stand for themselves. This page is written by the build "
        "from what the chapters assert. A number that leaves its tolerance stops the build.",
        "",
        *(
            f"- *{ruling}* ({rulings.count(ruling)}): {_lowered(meaning)}"
            for ruling, meaning in RULINGS.items()
        ),
        "",
        "| | claim | ruling | tested in |",
        "| :-- | :-- | :-- | :-- |",
    ]
    for claim, statement in CLAIMS.items():
        chapter, verdict = verdicts[claim]
        reason = verdict["reason"].replace("|", r"\|")
        lines.append(
            f"| [{claim}](#ledger-{claim.lower()}) | {statement} "
            f"| **{verdict['ruling']}.** {reason} | {{doc}}`{chapter}`{_figures(verdict)} |"
        )
    lines += ["", "## The numbers"]
    for claim, statement in CLAIMS.items():
        _, verdict = verdicts[claim]
        lines += [
            "",
            f"(ledger-{claim.lower()})=",
            f":::{{admonition}} {claim} {verdict['ruling']}: {statement}",
            ":class: dropdown",
            "",
            f"[Shown in the chapter](#verdict-{claim.lower()}).",
            "",
            verdict["table"],
            ":::",
        ]
    return "\n".join(lines) + "\n"


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _figures(verdict: dict[str, Any]) -> str:
    return "".join(f", {{numref}}`fig-{id}`" for id in verdict["figures"])


if __name__ == "__main__":
    sys.stdout.write(page(collect([Path(name) for name in sys.argv[1:]])))
