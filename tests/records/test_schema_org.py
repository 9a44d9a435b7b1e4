"""What machines are told of a figure: the words are schema.org's, the hashes those of the files."""

import hashlib
import json

import pytest

from rmsprop.records.schema_org import describe
from rmsprop.records.tidy import make_record

BOOK = {
    "title": "A Book",
    "version": "1.2.0",
    "date-released": "2026-11-22",
    "authors": [{"name": "A Group"}, {"family-names": "Hopper", "given-names": "Grace"}],
}
FILES = {"csv": b"x,y\n", "json": b"{}", "svg": b"<svg/>", "pdf": b"%PDF-"}
RECORD = make_record(
    "a-b", caption="The finding.", alt="A line.", data={"x": [1.0], "y": [2.0]}, units={"x": "s"}
)


@pytest.fixture(params=["../", "https://example.org/book/"], ids=["without", "with an address"])
def told(request):
    names = {"name": "Figure 3 (a-b)", "caption": "A finding.", "book": request.param}
    words = describe(BOOK, RECORD, FILES, **names)
    assert json.loads(json.dumps(words)) == words
    return request.param, words


def test_it_is_a_picture_that_is_based_on_data(told):
    book, words = told
    assert words["@context"] == "https://schema.org"
    assert (words["@type"], words["name"]) == ("ImageObject", "Figure 3 (a-b)")
    assert (words["caption"], words["description"]) == ("A finding.", "A line.")
    data = words["isBasedOn"]
    assert (data["@type"], data["identifier"]) == ("Dataset", RECORD.swhid)
    assert [(said["name"], said.get("unitText")) for said in data["variableMeasured"]] == [
        ("x", "s"),
        ("y", "1"),
    ]
    assert words["url"] == data["url"] == f"{book}figures/a-b.html"


def test_whose_it_is_and_how_one_may_use_it_is_said_of_both(told):
    book, words = told
    for part in (words, words["isBasedOn"]):
        assert part["license"] == "https://creativecommons.org/licenses/by/4.0/"
        assert part["isPartOf"] == {"@type": "Book", "name": "A Book", "url": book}
        assert (part["version"], part["datePublished"]) == ("1.2.0", "2026-11-22")
        assert part["creator"] == [
            {"@type": "Organization", "name": "A Group"},
            {
                "@type": "Person",
                "name": "Grace Hopper",
                "givenName": "Grace",
                "familyName": "Hopper",
            },
        ]


def test_every_file_has_its_address_its_type_and_its_hash(told):
    book, words = told
    found = [words, words["encoding"], *words["isBasedOn"]["distribution"]]
    assert [(file["contentUrl"], file["encodingFormat"]) for file in found] == [
        (f"{book}figures/a-b.svg", "image/svg+xml"),
        (f"{book}figures/a-b.pdf", "application/pdf"),
        (f"{book}figures/a-b.csv", "text/csv"),
        (f"{book}figures/a-b.json", "application/json"),
    ]
    for file in found:
        content = FILES[file["contentUrl"].rpartition(".")[2]]
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
