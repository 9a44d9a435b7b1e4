"""What a release says of itself: the rules are those of RO-Crate 1.2 and of CODECHECK 1.0."""

import re
from datetime import datetime

import pytest
import yaml

from rmsprop.records.codecheck import manifest
from rmsprop.records.ro_crate import describe
from rmsprop.records.tidy import make_record

BOOK = {
    "title": "A Book",
    "abstract": "What it is.",
    "version": "1.2.0",
    "date-released": "2026-11-22",
    "doi": "10.5281/zenodo.1",
    "authors": [
        {"name": "A Group"},
        {
            "family-names": "Hopper",
            "given-names": "Grace",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        },
    ],
}


def published(id, chapter, minute):
    record = make_record(id, caption=f"Finding {id}.", alt="A line.", data={"x": [1.0, 2.0]})
    ran = {"date": f"2026-11-26 14:{minute} UTC", "python": "3.11.7"}
    source = {"chapter": chapter, "cell": f"{chapter}-01"}
    return record.words() | {"number": "3", "source": source, "environment": ran}


# In the order of their numbers, which need not be that of the chapters.
FIGURES = {
    id: published(id, chapter, minute)
    for id, chapter, minute in (("a-b", "one", 52), ("c-d", "two", 10), ("e-f", "one", 53))
}
FILES = {
    "html/index.html",
    *(f"book/{chapter}.ipynb" for chapter in ("one", "two")),
    *(f"html/figures/{id}.{end}" for id in FIGURES for end in ("csv", "svg")),
}


@pytest.fixture
def crate():
    said = describe(BOOK, FIGURES, {name: len(name) for name in FILES})
    assert said["@context"] == "https://w3id.org/ro/crate/1.2/context"
    entities = {entity["@id"]: entity for entity in said["@graph"]}
    assert len(entities) == len(said["@graph"])
    return entities


def references(value):
    if isinstance(value, list):
        return {id for one in value for id in references(one)}
    return {value["@id"]} if isinstance(value, dict) else set()


def test_the_crate_describes_itself_and_its_root(crate):
    assert crate["ro-crate-metadata.json"] == {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
        "about": {"@id": "./"},
    }
    root = crate["./"]
    assert root["@type"] == "Dataset"
    assert (root["name"], root["description"], root["version"]) == (
        BOOK["title"],
        BOOK["abstract"],
        BOOK["version"],
    )
    assert datetime.fromisoformat(root["datePublished"])
    assert [crate[id]["@type"] for id in sorted(references(root["author"]))] == [
        "Organization",
        "Person",
    ]


def test_whatever_is_referred_to_is_described_and_a_list_of_one_is_none(crate):
    for entity in crate.values():
        for name, value in entity.items():
            if entity["@id"] != "ro-crate-metadata.json" or name == "about":
                assert references(value) <= crate.keys()
            assert not (isinstance(value, list) and len(value) == 1)


def test_parts_of_the_root_are_the_files_with_what_one_needs_to_use_them(crate):
    files = {id: said for id, said in crate.items() if "File" in said["@type"]}
    assert references(crate["./"]["hasPart"]) == files.keys() == FILES
    for id, said in files.items():
        assert said["contentSize"] == str(len(id))
        assert said["name"]
        assert said["description"]
        assert crate[said["license"]["@id"]]["name"]
        assert re.fullmatch(r"[a-z]+/[a-z+-]+", said["encodingFormat"])


def test_pictures_rest_on_data_that_checksums_name_and_come_from_a_chapters_run(crate):
    for id, figure in FIGURES.items():
        picture = crate[f"html/figures/{id}.svg"]
        data = crate[picture["isBasedOn"]["@id"]]
        assert (data["sha256"], data["identifier"]) == (figure["sha256"], figure["swhid"])
        (run,) = (
            run
            for run in crate.values()
            if run["@type"] == "CreateAction" and picture["@id"] in references(run["result"])
        )
        assert run["instrument"] == {"@id": f"book/{figure['source']['chapter']}.ipynb"}
        assert run["@id"] in references(crate["./"]["mentions"])
    assert crate["#run-of-one"]["endTime"] == "2026-11-26T14:53Z"


def test_a_codechecker_is_told_what_to_make_anew_and_how():
    text = manifest(BOOK, FIGURES, "https://github.com/owner/name")
    assert text.startswith("%YAML 1.1\n---\n")
    said = yaml.safe_load(text)
    assert said["version"] == "https://codecheck.org.uk/spec/config/1.0/"
    assert said["paper"] == {
        "title": "A Book",
        "authors": [{"name": "A Group"}, {"name": "Grace Hopper", "ORCID": "0000-0002-1825-0097"}],
        "reference": "https://doi.org/10.5281/zenodo.1",
    }
    assert said["repository"] == "https://github.com/owner/name"
    assert [item["file"] for item in said["manifest"]] == [
        f"book/figures/{id}.csv" for id in FIGURES
    ]
    assert said["manifest"][0]["comment"] == (
        "Data of Figure 3 (a-b), exact: make verify FIGURE=a-b"
    )


def test_what_is_not_known_is_not_said():
    unpublished = {key: value for key, value in BOOK.items() if key != "doi"}
    said = yaml.safe_load(manifest(unpublished, FIGURES, None))
    assert said.keys() == {"version", "paper", "manifest"}
    assert said["paper"].keys() == {"title", "authors"}
