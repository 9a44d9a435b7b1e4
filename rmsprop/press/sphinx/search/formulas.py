"""Formulas in a line of plain text, as where a search quotes a section."""

from bs4 import NavigableString, Tag

__all__ = ["in_words"]

RAISED = str.maketrans("0123456789+-−=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")
LOWERED = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def in_words(math: Tag) -> str:
    """Return a formula in MathML as text: a² for a raised 2, a/b for a fraction.

    >>> from bs4 import BeautifulSoup
    >>> half = "<math><msup><mi>g</mi><mn>2</mn></msup></math>"
    >>> in_words(BeautifulSoup(half, "html.parser").math)
    'g²'
    """
    # What applies a function to its argument is invisible.
    return _text(math).replace("\u2061(", "(").replace("\u2061", " ").strip()


def _text(node: object) -> str:
    if not isinstance(node, Tag):
        return str(node) if isinstance(node, NavigableString) else ""
    parts = [_text(child) for child in node.children]
    match node.name, parts:
        case "annotation", _:
            return ""
        case ("msub" | "munder"), [base, low]:
            return base + _script(low, "_", LOWERED)
        case ("msup" | "mover"), [base, high]:
            return base + _script(high, "^", RAISED)
        case ("msubsup" | "munderover"), [base, low, high]:
            return base + _script(low, "_", LOWERED) + _script(high, "^", RAISED)
        case "mfrac", [over, under]:
            return f"{_whole(over)}/{_whole(under)}"
        case "msqrt", _:
            return f"√{_whole(''.join(parts))}"
        case "mo", [sign] if sign in {"=", "≈", "≤", "≥", "<", ">", "→", "←", "+", "−", "≫", "≪"}:
            return f" {sign} "
        case ("mspace" | "mtr"), _:
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
