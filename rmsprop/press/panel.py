"""What stands under a figure: how to cite it, its data, its source, how to verify it."""

from dataclasses import dataclass
from html import escape
from typing import Any

from rmsprop.records.cite import apa, bibtex
from rmsprop.records.compare import Comparison
from rmsprop.records.source import Source

__all__ = ["Panel", "in_words", "landing"]

APART = ("date", "commit", "device")


def landing(id: str) -> str:
    """Return the address of a figure's own page in the book, which the figure keeps for good."""
    return f"figures/{id}.html"


def in_words(comparison: Comparison | None, id: str) -> str:
    """Say what came of comparing a figure with its record; None if there was nowhere to look."""
    if comparison is None:
        return "not compared: this run is outside the book's repository"
    greatest = comparison.greatest
    closest = (
        f"; closest to its limit is {greatest.column}, {greatest.row}, with a deviation of "
        f"{greatest.size:.2g} against {greatest.allowed:.2g} allowed"
        if greatest
        else ""
    )
    return {
        "bit-identical": "this run is bit-identical to the published record",
        "within tolerance": f"this run is within tolerance of the published record{closest}",
        "measured": "measured on the device named below; verifying compares columns and words, "
        "not the numbers",
        "deviates": "this run deviates from the published record",
        "missing": f"no record yet; make accept FIGURE={id} publishes one",
    }[comparison.verdict]


@dataclass(frozen=True)
class Panel:
    """Everything that is said under a figure.

    Attributes:
        id: the figure's.
        kind: the record's.
        sha256: of the data that are offered.
        result: what came of comparing, in words.
        environment: from `rmsprop.records.environment.describe`.
        citation: what ``CITATION.cff`` holds; None outside the repository.
        files: address of each file to download, by its name.
        source: the cell that publishes the figure.
        number: the figure's number, where it has one.
        permalink: address of its own page, absolute where the book has one.
        repository: address of the repository on the web.
    """

    id: str
    kind: str
    sha256: str
    result: str
    environment: dict[str, str]
    citation: dict[str, Any] | None = None
    files: dict[str, str] | None = None
    source: Source | None = None
    number: str | None = None
    permalink: str | None = None
    repository: str | None = None

    @property
    def command(self) -> str:
        """The command that verifies the figure."""
        return f"make verify FIGURE={self.id}"

    @property
    def absolute(self) -> str | None:
        """The permalink, if it holds outside the book too."""
        return self.permalink if self.permalink and "://" in self.permalink else None

    def entries(self) -> list[tuple[str, str]]:
        """Return the panel as text: what each entry is, and what it says."""
        e, entries = self.environment, []
        if self.permalink:
            below = f"{landing(self.id)}, wherever the book is published"
            entries.append(("Permalink", self.absolute or below))
        entries.append(("Data", f"{self.kind}; SHA-256 {self.sha256}"))
        entries.append(("Record", self.result))
        if self.source:
            entries.append(("Source", self._place()))
        versions = ", ".join(f"{k} {v}" for k, v in e.items() if k not in APART)
        entries.append(("Environment", f"{e['device']}; {versions}; {e['date']}"))
        entries.append(("Verify", self.command))
        if self.citation:
            entries.append(("BibTeX", self.bibtex()))
            entries.append(("APA", self.apa()))
        return entries

    @property
    def _cited(self) -> dict[str, Any]:
        known = {"repository-code": self.repository} if self.repository else {}
        return (self.citation or {}) | known

    def bibtex(self) -> str:
        """Return the BibTeX entry."""
        return bibtex(
            self._cited,
            self.id,
            self.sha256,
            number=self.number,
            permalink=self.absolute,
        )

    def apa(self) -> str:
        """Return the entry in APA style."""
        return apa(self._cited, self.id, number=self.number, permalink=self.absolute)

    def _place(self) -> str:
        assert self.source
        return (
            f"book/{self.source.chapter}.ipynb, cell {self.source.cell}, "
            f"at commit {self.environment['commit']}"
        )

    def rows(self) -> str:
        """Return the entries as HTML; in the book, boxes of text to copy get a button."""
        shown = {name: escape(text) for name, text in self.entries()}
        shown["Data"] = f"{escape(self.kind)}; SHA-256 <code>{self.sha256}</code>"
        if self.permalink:
            shown["Permalink"] = f'<a href="{escape(self.permalink)}">{shown["Permalink"]}</a>'
        if self.files:
            links = (
                f'<a href="{escape(address)}" download>{escape(name)}</a>'
                for name, address in self.files.items()
            )
            shown["Data"] += f'<br><span class="files">Download: {", ".join(links)}</span>'
        revision = self.environment["commit"].partition(",")[0]
        if self.source and self.repository and revision != "unknown":
            address = f"{self.repository}/blob/{revision}/book/{self.source.chapter}.ipynb"
            shown["Source"] = f'<a href="{escape(address)}">{shown["Source"]}</a>'
        for name in ("Verify", "BibTeX", "APA"):
            if name in shown:
                shown[name] = f'<div class="highlight"><pre>{shown[name]}</pre></div>'
        # No list of definitions: JupyterLab lets their parts float past each other.
        return "".join(f"<div><b>{name}</b><div>{text}</div></div>" for name, text in shown.items())

    def html(self) -> str:
        """Return the panel as HTML, folded."""
        printed = " · ".join(filter(None, (self.absolute, f"SHA-256 {self.sha256}")))
        return (
            f'<details class="figure-panel"><summary data-printed=" · {escape(printed)}">'
            f"Cite, data, source</summary>{self.rows()}</details>"
        )
