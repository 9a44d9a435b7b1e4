"""Describe a release to machines as an RO-Crate: its figures, their data, and what made them."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
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
    authors = [
        {"@id": author.get("orcid", f"#author-{number}"), **creator(author)}
        for number, author in enumerate(citation["authors"], start=1)
    ]
    files, runs = [_book()], []
    by_chapter = itemgetter("chapter")
    for chapter, of_chapter in groupby(sorted(figures.values(), key=by_chapter), by_chapter):
        published = list(of_chapter)
        notebook = _notebook(chapter)
        files += [notebook, *(part for figure in published for part in _figure(figure))]
        runs.append(_run(notebook, published))
    for file in files:
        file["contentSize"] = str(sizes[file["@id"]])
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": citation["title"],
        "description": citation["abstract"],
        "version": citation["version"],
        "datePublished": citation["date-released"],
        "license": _to(BSD, DEED),
        "author": _to(*(author["@id"] for author in authors)),
        "publisher": {"@id": authors[0]["@id"]},
        "hasPart": _to(*(file["@id"] for file in files)),
        "mentions": _to(*(run["@id"] for run in runs)),
    }
    return {
        "@context": f"{VERSION}/context",
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "conformsTo": {"@id": VERSION},
                "about": {"@id": "./"},
            },
            root,
            *authors,
            *LICENSES,
            _python(figures),
            *files,
            *runs,
        ],
    }


def _to(*ids: str) -> Entity | list[Entity]:
    references = [{"@id": id} for id in ids]
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


def _figure(figure: dict[str, Any]) -> list[Entity]:
    id, called = figure["id"], name(figure["id"], figure["number"])
    shared = {"description": figure["caption"], "license": {"@id": DEED}}
    data = {
        "@id": f"book/figures/{id}.csv",
        "@type": "File",
        "name": f"Data of {called}",
        "encodingFormat": "text/csv",
        "sha256": figure["sha256"],
        "identifier": figure["swhid"],
        **shared,
    }
    picture = {
        "@id": f"html/figures/{id}.svg",
        "@type": ["File", "ImageObject"],
        "name": called,
        "encodingFormat": "image/svg+xml",
        "isBasedOn": {"@id": data["@id"]},
        **shared,
    }
    return [picture, data]


def _run(notebook: Entity, figures: list[dict[str, Any]]) -> Entity:
    ran = max(figure["environment"]["date"] for figure in figures)
    return {
        "@id": f"#run-of-{figures[0]['chapter']}",
        "@type": "CreateAction",
        "name": f"Execution of {notebook['@id']}",
        "instrument": {"@id": notebook["@id"]},
        "result": _to(*(f"html/figures/{figure['id']}.svg" for figure in figures)),
        "endTime": ran.removesuffix(" UTC").replace(" ", "T") + "Z",
    }
