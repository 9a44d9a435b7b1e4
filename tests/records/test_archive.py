"""A release holds everything, verifies itself, and is the same bytes twice."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import nbformat
import pytest
import yaml

from rmsprop.records.archive import release
from rmsprop.records.record import RecordError, write
from rmsprop.records.repository import citation, commit, find_root
from rmsprop.records.tidy import make_record

CITATION = """\
title: T
abstract: What it is.
version: 1.2.0
date-released: 2026-01-02
authors: [{name: A}]
"""
RECORD = dataclasses.replace(
    make_record("a-b", caption="C.", alt="A.", data={"x": [1.0]}), chapter="c"
)
CHAPTER = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('publish(fig, "a-b")')])


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=root,
        env=os.environ | {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def render(root: Path) -> None:
    html = root / "build" / "html"
    html.mkdir(parents=True, exist_ok=True)
    (html / "index.html").write_text("<h1>T</h1>")
    ran = {"commit": commit(root), "date": "2026-01-02 03:04 UTC", "python": "3.11.7"}
    source = {"chapter": "c", "cell": "c-01"}
    # As of a measured figure: what was measured now has no record, and knows no chapter.
    fresh = dataclasses.replace(RECORD, csv="x\n2.0\n", chapter=None)
    index = {"a-b": {**fresh.words(), "source": source, "number": "1", "environment": ran}}
    (html / "figures.json").write_text(json.dumps(index))
    (html / "figures").mkdir(exist_ok=True)
    (html / "figures/a-b.svg").write_text("<svg/>")
    (html / "figures/a-b.csv").write_text(fresh.csv)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "clone"
    (root / "book").mkdir(parents=True)
    (root / "CITATION.cff").write_text(CITATION)
    (root / ".gitignore").write_text("build/\ndist/\n")
    (root / "book" / "a name.md").write_text("# Ä\n")
    (root / "book" / "c.ipynb").write_text(nbformat.writes(CHAPTER))
    write(root / "book" / "figures", RECORD)
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "One")
    render(root)
    return root


def test_release_verifies_itself_and_knows_its_commit(root, tmp_path):
    archive = release(root)
    assert archive == root / "dist" / "rmsprop-book-1.2.0.tar.gz"
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    folder = tmp_path / "rmsprop-book-1.2.0"
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    files = {name: path for name, path in files.items() if path.is_file()}
    assert sums.keys() == files.keys() - {"SHA256SUMS"}
    assert {"html/index.html", "book/a name.md", "CITATION.cff", "run"} <= sums.keys()
    for name, digest in sums.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == digest
    described = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    parts = {part["@id"]: part for part in described if "File" in part["@type"]}
    assert parts.keys() <= files.keys()
    for name, part in parts.items():
        assert part["contentSize"] == str(files[name].stat().st_size)
        assert part.get("sha256") in (None, sums[name])
    manifest = yaml.safe_load((folder / "codecheck.yml").read_text())["manifest"]
    assert [item["file"] for item in manifest] == ["book/figures/a-b.csv"]
    assert (folder / "run").stat().st_mode & 0o111
    assert find_root(folder / "book") == folder
    assert commit(folder) == citation(folder)["commit"] == git(root, "rev-parse", "HEAD")
    assert list((root / "dist").iterdir()) == [archive]


def test_same_commit_and_book_give_the_same_archive(root):
    first = release(root).read_bytes()
    assert release(root).read_bytes() == first
    # Also later: the dates inside are the commit's.
    date = int(git(root, "log", "-1", "--format=%ct"))
    assert int.from_bytes(first[4:8], "little") == date
    with tarfile.open(root / "dist" / "rmsprop-book-1.2.0.tar.gz") as opened:
        assert {member.mtime for member in opened.getmembers()} == {date}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "new.md").write_text("x"), "commit first: "),
        (lambda root: (root / "run").write_text("x"), "commit first: "),
        (lambda root: (root / "build/html/index.html").unlink(), "the book is not built: "),
        (
            lambda root: git(root, "commit", "-q", "--allow-empty", "-m", "Two"),
            "the book was rendered at another commit: ",
        ),
    ],
)
def test_unfinished_release_is_refused_and_the_last_one_kept(root, spoil, message):
    archive = release(root)
    before = archive.read_bytes()
    spoil(root)
    with pytest.raises(RecordError, match=f"^{message}"):
        release(root)
    assert archive.read_bytes() == before


def test_release_with_a_fault_is_refused(root):
    (root / "README.md").write_text("![](a.png)")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Two")
    render(root)
    with pytest.raises(RecordError, match=r"^README.md has an image without alt text"):
        release(root)


def test_commit_says_if_what_is_run_was_changed(root):
    (root / "CHANGELOG.md").write_text("not run")
    assert commit(root) == git(root, "rev-parse", "HEAD")
    (root / "requirements.lock").write_text("run")
    assert commit(root) == git(root, "rev-parse", "HEAD") + ", with uncommitted changes"


def test_commit_is_never_that_of_another_repository(root, tmp_path, monkeypatch):
    (root / "requirements.lock").write_text("run")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Two")
    own = git(root, "rev-parse", "HEAD")
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Around it")
    with monkeypatch.context() as context:
        context.setenv("GIT_DIR", str(tmp_path / ".git"))
        context.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        assert commit(root) == own
    shutil.rmtree(root / ".git/objects")
    assert commit(root) == "unknown"


def test_outside_of_git_and_of_a_release_the_commit_is_unknown(root):
    (root / ".git").rename(root / "not-git")
    assert commit(root) == "unknown"
    assert find_root(root.parent) is None
