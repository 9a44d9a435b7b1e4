"""Chapters for Colab: the same, behind a cell that fetches what the page was made from."""

import subprocess
from pathlib import Path

import nbformat
import pytest

from rmsprop.press.colab import BRANCH, prepared, write
from rmsprop.records.record import RecordError

ROOT = Path(__file__).parents[2]
ADDRESS = "https://github.com/owner/name"


@pytest.fixture
def clone(tmp_path):
    """A repository with a chapter, its address not yet known; and what runs git in it."""

    def git(*arguments):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    root = tmp_path / "clone"
    (root / "book").mkdir(parents=True)
    (root / "CITATION.cff").write_text("{title: T, version: 1, authors: [{name: A}]}")
    chapter = (ROOT / "book/cycles.ipynb").read_text()
    (root / "book/cycles.ipynb").write_text(chapter)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "One")
    return root, git


def test_a_copy_fetches_the_commit_from_the_address_and_is_the_chapter_otherwise(clone, tmp_path):
    root, git = clone
    git("remote", "add", "origin", "git@github.com:owner/name.git")
    write(root, tmp_path / BRANCH)
    (copy,) = tmp_path.glob("colab/*/*")
    assert copy.name == "cycles.ipynb"
    first, *rest = nbformat.read(copy, as_version=4).cells
    nbformat.validate(nbformat.read(copy, as_version=4))
    assert rest == nbformat.read(root / "book/cycles.ipynb", as_version=4).cells
    assert f"!git clone --quiet {ADDRESS} {{clone}}\n" in first.source
    assert f"!git -C {{clone}} checkout --quiet {git('rev-parse', 'HEAD')}\n" in first.source
    assert "%pip install --quiet --editable {clone}[chapters]\n" in first.source


def test_the_chapter_itself_stays_as_it_is():
    chapter = nbformat.read(ROOT / "book/cycles.ipynb", as_version=4)
    before = nbformat.writes(chapter)
    prepared(chapter, ADDRESS, "0" * 40)
    assert nbformat.writes(chapter) == before


def test_nothing_is_written_without_an_address_or_for_what_is_not_committed(clone, tmp_path):
    root, git = clone
    with pytest.raises(RecordError, match="one is missing"):
        write(root, tmp_path / "colab")
    git("remote", "add", "origin", ADDRESS)
    (root / "book/cycles.ipynb").write_text("{}")
    with pytest.raises(RecordError, match="one is missing"):
        write(root, tmp_path / "colab")
    assert not (tmp_path / "colab").exists()
