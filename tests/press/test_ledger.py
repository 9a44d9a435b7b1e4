"""The ledger reads executed notebooks, and refuses to be incomplete."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from rmsprop.press import ledger
from rmsprop.records.claims import CLAIMS, RULINGS, equal, verdict


def ruling_of(claim: str) -> str:
    return list(RULINGS)[int(claim[1:]) % 3]


def output(claim: str):
    evidence = equal("q", 1.5, 1.5)
    ruled = verdict(
        claim, ruling_of(claim), f"Reason {claim}, |g|.", evidence, figures=["one-figure", "other"]
    )
    return v4.new_output("execute_result", ruled._repr_mimebundle_(), execution_count=1)


@pytest.fixture
def write(tmp_path: Path):
    """Write a notebook, as executed, with verdicts on these claims."""

    def write(name: str, *claims: str) -> Path:
        noise = [
            v4.new_output("stream", text="some text\n"),
            v4.new_output("display_data", {"text/plain": "a picture"}),
            v4.new_output("error", ename="E", evalue="", traceback=[]),
        ]
        cells = [v4.new_markdown_cell("# Text"), v4.new_code_cell("1", outputs=noise)]
        cells += [v4.new_code_cell("verdict()", outputs=[output(claim)]) for claim in claims]
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
        return tmp_path / f"{name}.ipynb"

    return write


ALL = tuple(CLAIMS)


def test_ledger_finds_each_verdict_and_its_chapter(write):
    found = ledger.collect([write("first", *ALL[6:]), write("empty"), write("second", *ALL[:6])])
    assert set(found) == set(CLAIMS)
    for claim, (chapter, published) in found.items():
        assert chapter == ("second" if claim in ALL[:6] else "first")
        assert published["claim"] == claim
        assert published["ruling"] == ruling_of(claim)


def test_claims_without_a_verdict_are_named(write):
    with pytest.raises(ValueError, match=r"^no chapter rules on C2, C11$"):
        ledger.collect([write("one", *(claim for claim in ALL if claim not in ("C2", "C11")))])


def test_no_notebook_at_all_is_an_error_that_names_every_claim():
    with pytest.raises(ValueError, match=f"no chapter rules on {', '.join(ALL)}"):
        ledger.collect([])


def test_claim_with_two_verdicts_is_named_with_both_chapters(write):
    with pytest.raises(ValueError, match=r"^C3 is ruled in one and in two$"):
        ledger.collect([write("one", *ALL), write("two", "C3")])


def test_claim_with_two_verdicts_in_one_chapter_is_named(write):
    with pytest.raises(ValueError, match="C3 is ruled in one and in one"):
        ledger.collect([write("one", *ALL, "C3")])


def test_verdict_on_a_claim_that_the_book_does_not_know_is_refused(write):
    path = write("one", *ALL)
    notebook = nbformat.read(path, as_version=4)
    stray = notebook.cells[-1].copy()
    stray["outputs"] = [output("C1")]
    stray["id"] = "stray"
    next(
        data for mime, data in stray["outputs"][0]["data"].items() if mime.endswith("verdict+json")
    )["claim"] = "C12"
    notebook.cells.append(stray)
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="C12"):
        ledger.collect([path])


def test_page_has_one_row_and_one_fold_of_numbers_per_claim_in_order(write):
    page = ledger.page(ledger.collect([write("last", *ALL[5:]), write("first", *ALL[:5])]))
    rows = re.findall(
        r"^\| \[(C\d+)\]\(#(ledger-c\d+)\) \| (.*?) \| \*\*(.*?)\.\*\* (.*?) "
        r"\| {doc}`(\w+)`, {numref}`fig-one-figure`, {numref}`fig-other` \|$",
        page,
        re.M,
    )
    chapters = ["first"] * 5 + ["last"] * 6
    assert rows == [
        (claim, f"ledger-{claim.lower()}", CLAIMS[claim], ruling_of(claim), reason, chapter)
        for claim, chapter in zip(ALL, chapters, strict=True)
        for reason in [rf"Reason {claim}, \|g\|."]
    ]
    folds = re.findall(
        r"^\((ledger-c\d+)\)=\n:::{admonition} (C\d+) (.*?): (.*)\n:class: dropdown\n\n"
        r"\[Shown in the chapter\]\(#(verdict-c\d+)\)\.\n\n"
        r"\| measured .*\n.*\n\| q \| 1\.5 \| = 1\.5 \|\n:::$",
        page,
        re.M,
    )
    assert folds == [
        (f"ledger-{c.lower()}", c, ruling_of(c), CLAIMS[c], f"verdict-{c.lower()}") for c in ALL
    ]


def test_page_defines_the_rulings_and_counts_them(write):
    page = ledger.page(ledger.collect([write("one", *ALL)]))
    for ruling, meaning in RULINGS.items():
        n = sum(ruling_of(claim) == ruling for claim in ALL)
        assert f"\n- *{ruling}* ({n}): {meaning[0].lower()}{meaning[1:]}\n" in page


def test_page_says_what_the_article_is(write):
    page = ledger.page(ledger.collect([write("one", *ALL)]))
    assert "neither its author nor its title or address" in page.splitlines()[2]


def test_command_writes_the_page_to_standard_output(write):
    path = write("one", *ALL)
    done = subprocess.run(
        [sys.executable, "-m", "rmsprop.press.ledger", str(path)],
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stdout == ledger.page(ledger.collect([path]))
    assert done.stderr == ""


def test_command_fails_without_output_when_a_claim_is_missing(write):
    done = subprocess.run(
        [sys.executable, "-m", "rmsprop.press.ledger", str(write("one", "C1"))],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == ""
    assert "no chapter rules on C2" in done.stderr
