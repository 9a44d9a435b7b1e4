"""Formulas in a line of plain text, as where a search quotes a section."""

import re
import unicodedata

from bs4 import NavigableString, Tag

__all__ = ["in_words"]

RAISED = str.maketrans("0123456789+−()cijklmnprtx", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᶜⁱʲᵏˡᵐⁿᵖʳᵗˣ")
LOWERED = str.maketrans("0123456789+−()hijklmnprtvx", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₕᵢⱼₖₗₘₙₚᵣₜᵥₓ")

APPLIED = "\u2061"
"""An invisible sign between a function and what it is applied to."""
ACCENTS = {"~": "\u0303", "ˉ": "\u0304", "^": "\u0302"}
SPACED = {*"=≈≤≥<>→←+−≫≪∝"}


def in_words(math: Tag) -> str:
    """Return a formula in MathML as text: a² for a raised 2, a/b for a fraction.

    >>> from bs4 import BeautifulSoup
    >>> half = "<math><msup><mi>g</mi><mn>2</mn></msup></math>"
    >>> in_words(BeautifulSoup(half, "html.parser").math)
    'g²'
    """
    text = _text(math).replace(APPLIED, " ")
    text = re.sub(r"\s", " ", text).strip()
    text = re.sub(r" +(?=[),])|(?<=\() +|(?<=[a-z]) (?=\()| +(?= )", "", text)
    text = re.sub(r"(^|[(=,≈≤≥<>→←] ?)− ", r"\1−", text)
    return unicodedata.normalize("NFC", text)


def _text(node: object) -> str:
    if not isinstance(node, Tag):
        return str(node) if isinstance(node, NavigableString) else ""
    parts = [_text(child) for child in node.children]
    match node.name, parts:
        case "annotation", _:
            return ""
        case "mover", [base, accent] if accent in ACCENTS:
            return base + ACCENTS[accent]
        case "msub", [base, low]:
            return base + _script(low, "_", LOWERED)
        case "msup", [base, high]:
            return base + _script(high, "^", RAISED)
        case "msubsup", [base, low, high]:
            return base + _script(low, "_", LOWERED) + _script(high, "^", RAISED)
        case "munder", [base, low]:
            return base + _script(low, "_", LOWERED) + " "
        case "munderover", [base, low, high]:
            return base + _script(low, "_", LOWERED) + _script(high, "^", RAISED) + " "
        case "mfrac", [over, under]:
            return f"{_whole(over)}/{_whole(under)}"
        case "msqrt", _:
            return f"√{_whole(''.join(parts))}"
        case "mo", [sign] if sign in SPACED:
            return f" {sign} "
        case "mi", [function] if len(function) > 1:
            return f" {function}"
        case "mspace" | "mtr", _:
            return "".join(parts) + " "
    return "".join(parts)


def _script(text: str, mark: str, letters: dict[int, int]) -> str:
    """Return a script in small letters, where there are such for all of it."""
    text = text.replace(" ", "")
    if all(ord(letter) in letters for letter in text):
        return text.translate(letters)
    return mark + _whole(text)


def _whole(text: str) -> str:
    """Return a part of a formula, in parentheses where it has parts itself."""
    return text if len(text) < 2 or text.isalnum() else f"({text})"
