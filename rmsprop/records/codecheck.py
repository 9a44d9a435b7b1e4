"""Say which files a codechecker is to make anew, in the words of CODECHECK."""

from typing import Any

import yaml

from rmsprop.records.cite import full_name, name

__all__ = ["manifest"]

VERSION = "https://codecheck.org.uk/spec/config/1.0/"


def manifest(
    citation: dict[str, Any], figures: dict[str, dict[str, Any]], repository: str | None
) -> str:
    """Return ``codecheck.yml``: the data of each figure; who checks them adds who, and the report.

    Args:
        citation: what ``CITATION.cff`` holds.
        figures: what ``figures.json`` holds.
        repository: its address, if it has one.

    Source: https://codecheck.org.uk/spec/config/1.0/
    """
    says = {
        "version": VERSION,
        "paper": {
            "title": citation["title"],
            "authors": [_author(author) for author in citation["authors"]],
            "reference": f"https://doi.org/{citation['doi']}" if "doi" in citation else None,
        },
        "repository": repository,
        "manifest": [
            {
                "file": f"book/figures/{id}.csv",
                "comment": f"Data of {name(id, figure['number'])}, {figure['kind']}: "
                f"make verify FIGURE={id}",
            }
            for id, figure in figures.items()
        ],
    }
    document: str = yaml.safe_dump(
        _known(says), sort_keys=False, allow_unicode=True, explicit_start=True, version=(1, 1)
    )
    return document


def _author(author: dict[str, str]) -> dict[str, str]:
    return {"name": full_name(author)} | (
        {"ORCID": author["orcid"].split("/")[-1]} if "orcid" in author else {}
    )


def _known(says: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _known(value) if isinstance(value, dict) else value
        for key, value in says.items()
        if value is not None
    }
