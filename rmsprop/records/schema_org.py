"""Describe a figure to machines in the words of schema.org: a picture, and the data it rests on."""

import hashlib
from collections.abc import Mapping
from typing import Any

from rmsprop.records.record import DEED, Record

__all__ = ["creator", "describe"]

TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}


def describe(
    citation: dict[str, Any],
    record: Record,
    files: Mapping[str, bytes],
    *,
    name: str,
    caption: str,
    book: str,
) -> dict[str, Any]:
    """Return an ``ImageObject``, based on a ``Dataset``, as JSON-LD.

    Args:
        citation: what ``CITATION.cff`` holds.
        record: that is offered with the picture.
        files: what is offered, by the ends of the names: ``csv``, ``json``, ``svg``, ``pdf``.
        name: what the figure is called.
        caption: as plain text.
        book: address of the book, with a slash at its end; relative where it has none.

    Source: https://schema.org/ImageObject, https://schema.org/Dataset
    """
    folder = f"{book}figures/{record.id}"
    shared = {
        "license": DEED,
        "creator": [creator(author) for author in citation["authors"]],
        "datePublished": citation["date-released"],
        "version": citation["version"],
        "isPartOf": {"@type": "Book", "name": citation["title"], "url": book},
        "url": f"{folder}.html",
    }
    media = {
        end: {
            "contentUrl": f"{folder}.{end}",
            "encodingFormat": TYPES[end],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for end, content in files.items()
    }
    data = {
        "@type": "Dataset",
        "name": f"Data of {name}",
        "description": caption,
        "identifier": record.swhid,
        "variableMeasured": [
            {"@type": "PropertyValue", "name": column}
            | ({"unitText": said.unit} if said.unit else {})
            for column, said in record.columns.items()
        ],
        "distribution": [{"@type": "DataDownload", **media[end]} for end in ("csv", "json")],
        **shared,
    }
    return {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "name": name,
        "identifier": record.id,
        "caption": caption,
        "description": record.alt,
        **media["svg"],
        "encoding": {"@type": "MediaObject", **media["pdf"]},
        "isBasedOn": data,
        **shared,
    }


def creator(author: dict[str, str]) -> dict[str, str]:
    """Return an author of ``CITATION.cff`` as an ``Organization`` or a ``Person``."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    names = {"givenName": author.get("given-names"), "familyName": author.get("family-names")}
    known = {key: name for key, name in names.items() if name}
    return {"@type": "Person", "name": " ".join(known.values()), **known}
