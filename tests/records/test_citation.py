"""CITATION.cff and .zenodo.json are valid and agree with the package and the changelog."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import yaml

import rmsprop

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# The base loader leaves dates and versions the strings that they are in the file.
CITATION = yaml.load((ROOT / "CITATION.cff").read_text(), Loader=yaml.BaseLoader)

TEXT = {"type": "string", "minLength": 1}
URL = {"type": "string", "pattern": "^(https?|s?ftp)://.+"}
DATE = {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"}
PERSON = "family-names given-names name-particle name-suffix affiliation alias email"
AUTHOR = {
    "type": "object",
    "anyOf": [{"required": ["name"]}, {"required": ["family-names"]}, {"required": ["alias"]}],
    "properties": dict.fromkeys(["name", *PERSON.split()], TEXT) | {"orcid": URL, "website": URL},
    "additionalProperties": False,
}
CFF = {  # of Citation File Format 1.2.0, what a software entry without references can have
    "type": "object",
    "required": ["authors", "cff-version", "message", "title"],
    "additionalProperties": False,
    "properties": {
        "abstract": TEXT,
        "authors": {"type": "array", "minItems": 1, "uniqueItems": True, "items": AUTHOR},
        "cff-version": {"const": "1.2.0"},
        "commit": TEXT,
        "date-released": DATE,
        "doi": {"type": "string", "pattern": r"^10\.\d{4,9}(\.\d+)?/\S+$"},
        "keywords": {"type": "array", "minItems": 1, "uniqueItems": True, "items": TEXT},
        "license": TEXT,
        "message": TEXT,
        "repository-code": URL,
        "title": TEXT,
        "type": {"enum": ["software", "dataset"]},
        "url": URL,
        "version": TEXT,
    },
}
ZENODO = {  # of Zenodo's deposit metadata, what a software upload without contributors can have
    "type": "object",
    "required": ["title", "upload_type", "creators", "description", "license", "version"],
    "additionalProperties": False,
    "properties": {
        "title": TEXT,
        "upload_type": {"const": "software"},
        "version": TEXT,
        "publication_date": DATE,
        "creators": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": TEXT,
                    "affiliation": TEXT,
                    "orcid": {"type": "string", "pattern": r"^(\d{4}-){3}\d{3}[\dX]$"},
                },
            },
        },
        "description": TEXT,
        "access_right": {"enum": ["open", "embargoed", "restricted", "closed"]},
        "license": TEXT,
        "keywords": {"type": "array", "items": TEXT},
        "notes": TEXT,
    },
}
DEPOSIT = json.loads((ROOT / ".zenodo.json").read_text())


def test_the_deposit_is_valid_and_says_what_the_citation_says():
    jsonschema.validate(DEPOSIT, ZENODO)
    for name in ("title", "version", "license", "keywords"):
        assert DEPOSIT[name] == CITATION[name]
    assert DEPOSIT["publication_date"] == CITATION["date-released"]
    assert [creator["name"] for creator in DEPOSIT["creators"]] == [
        author["name"] for author in CITATION["authors"]
    ]


def test_the_citation_is_valid():
    jsonschema.validate(CITATION, CFF)


def test_the_citation_is_of_this_version_and_licence():
    assert CITATION["version"] == PROJECT["version"] == rmsprop.__version__
    assert CITATION["license"] == PROJECT["license"]
    assert [author["name"] for author in CITATION["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]


def test_the_citation_and_the_package_name_one_address_or_none():
    assert CITATION.get("repository-code") == PROJECT.get("urls", {}).get("Repository")


def test_the_changelog_begins_with_the_cited_release():
    releases = re.findall(r"^## \[(\d.*)\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert releases[0] == (CITATION["version"], CITATION["date-released"])
