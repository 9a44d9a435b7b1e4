"""Describe a release to machines as an RO-Crate: its figures, their data, and what made them."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rmsprop.records.cite import name
from rmsprop.records.record import DEED
from rmsprop.records.schema_org import creator

__all__ = ["METADATA", "describe"]

METADATA = "ro-crate-metadata.json"
VERSION = "https://w3id.org/ro/crate/1.2"
BSD = "https://spdx.org/licenses/BSD-3-Clause"
Entity = dict[str, Any]
LICENSES = [
    {"@id": id, "@type": "CreativeWork", "name": name, "description": what}
    for id, name, what in (
        (BSD, "BSD 3-Clause License", "Holds for the code."),
        (DEED, "CC BY 4.0", "Holds for the text, the figures and their data."),
    )
]
PYTHON = "https://www.python.org"
DESCRIPTOR = {
    "@id": METADATA,
    "@type": "CreativeWork",
    "conformsTo": {"@id": VERSION},
    "about": {"@id": "./"},
}


def describe(
    citation: dict[str, Any], figures: dict[str, dict[str, Any]], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Return what ``ro-crate-metadata.json`` holds.

    Each chapter's run is an action whose results are pictures; each picture is based on data.

    Args:
        citation: what ``CITATION.cff`` holds.
        figures: what ``figures.json`` holds.
        sizes: of the release's files, in bytes.

    Source: https://w3id.org/ro/crate/1.2
    """
    files, runs = _of_chapters(figures)
    for file in files:
        file["contentSize"] = str(sizes[file["@id"]])
    authors = [
        {"@id": author.get("orcid", f"#author-{number}"), **creator(author)}
        for number, author in enumerate(citation["authors"], start=1)
    ]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": citation["title"],
        "description": citation["abstract"],
        "version": citation["version"],
        "datePublished": citation["date-released"],
        "license": _to([{"@id": BSD}, {"@id": DEED}]),
        "author": _to(authors),
        "publisher": _to(authors[:1]),
        "hasPart": _to(files),
        "mentions": _to(runs),
    }
    graph = [DESCRIPTOR, root, *authors, *LICENSES, _python(figures), *files, *runs]
    return {"@context": f"{VERSION}/context", "@graph": graph}


def _of_chapters(figures: dict[str, dict[str, Any]]) -> tuple[list[Entity], list[Entity]]:
    """Return the files that are described, and the runs of chapters."""
    files, runs = [_book()], []
    for chapter, of_chapter in groupby(sorted(figures.values(), key=_chapter), _chapter):
        notebook, published = _notebook(chapter), list(of_chapter)
        pictures = [_picture(figure) for figure in published]
        files += [notebook, *pictures, *map(_data, published)]
        runs.append(_run(notebook, pictures, published))
    return files, runs


def _chapter(figure: dict[str, Any]) -> str:
    return str(figure["source"]["chapter"])


def _to(entities: list[Entity]) -> Entity | list[Entity]:
    """Return references to entities; a list of one is not to be one."""
    references = [{"@id": entity["@id"]} for entity in entities]
    return references[0] if len(references) == 1 else references


def _python(figures: dict[str, dict[str, Any]]) -> Entity:
    """Return the language; all chapters run in one environment."""
    version = next(iter(figures.values()))["environment"]["python"]
    name = {"name": "Python", "url": PYTHON, "version": version}
    return {"@id": PYTHON, "@type": "ComputerLanguage", **name}


def _book() -> Entity:
    return {
        "@id": "html/index.html",
        "@type": "File",
        "name": "The rendered book",
        "description": "The first of its pages, which need no network.",
        "encodingFormat": "text/html",
        "license": {"@id": DEED},
    }


def _notebook(chapter: str) -> Entity:
    return {
        "@id": f"book/{chapter}.ipynb",
        "@type": ["File", "SoftwareSourceCode"],
        "name": f"The chapter {chapter}",
        "description": "A notebook without outputs; its run made the figures of its page.",
        "encodingFormat": "application/x-ipynb+json",
        "programmingLanguage": {"@id": PYTHON},
        "license": {"@id": BSD},
    }


def _data(figure: dict[str, Any]) -> Entity:
    return {
        "@id": f"html/figures/{figure['id']}.csv",
        "@type": "File",
        "name": f"Data of {name(figure['id'], figure['number'])}",
        "description": figure["caption"],
        "encodingFormat": "text/csv",
        "sha256": figure["sha256"],
        "identifier": figure["swhid"],
        "license": {"@id": DEED},
    }


def _picture(figure: dict[str, Any]) -> Entity:
    return {
        "@id": f"html/figures/{figure['id']}.svg",
        "@type": ["File", "ImageObject"],
        "name": name(figure["id"], figure["number"]),
        "description": figure["caption"],
        "encodingFormat": "image/svg+xml",
        "isBasedOn": _to([_data(figure)]),
        "license": {"@id": DEED},
    }


def _run(notebook: Entity, pictures: list[Entity], figures: list[dict[str, Any]]) -> Entity:
    ended = max(figure["environment"]["date"] for figure in figures)
    return {
        "@id": f"#run-of-{_chapter(figures[0])}",
        "@type": "CreateAction",
        "name": f"Execution of {notebook['@id']}",
        "instrument": _to([notebook]),
        "result": _to(pictures),
        "endTime": ended.removesuffix(" UTC").replace(" ", "T") + "Z",
    }
