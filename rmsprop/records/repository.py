"""Where the book is on this machine: its records, its citation, its commit."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from rmsprop.sealed import environment

__all__ = ["address", "citation", "commit", "find_root", "git"]


def find_root(start: Path | None = None) -> Path | None:
    """Return the folder of the book's repository, or release, that a folder is in.

    Args:
        start: the folder; the working directory unless given.

    Returns:
        The nearest folder that holds ``CITATION.cff`` and ``book``; None if there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "CITATION.cff").is_file() and (folder / "book").is_dir():
            return folder
    return None


def citation(root: Path) -> dict[str, Any]:
    """Return what ``CITATION.cff`` says, versions and dates as the strings that they are there."""
    text = (root / "CITATION.cff").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return loaded


def commit(root: Path) -> str:
    """Return the commit that the sources are at.

    Args:
        root: the repository, or a release, whose citation names the commit.

    Returns:
        Its 40 digits, with ``, with uncommitted changes`` after them if a chapter, the package or
        the lock file differs from it; ``unknown`` without git and without a release.
    """
    if not (root / ".git").exists():
        return str(citation(root).get("commit", "unknown"))
    try:
        head = git(root, "rev-parse", "HEAD").decode().strip()
        sources = ("rmsprop/*.py", "requirements*.lock", "book/*.ipynb")
        changed = git(root, "status", "--porcelain", "--", *sources)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}, with uncommitted changes" if changed else head


def git(root: Path, *arguments: str) -> bytes:
    """Ask git about this very repository, whoever owns it, and return what it prints.

    Raises:
        OSError: if there is no git.
        CalledProcessError: if it fails.
    """
    return subprocess.run(
        ["git", "--git-dir=.git", *arguments],
        cwd=root,
        env=environment(root),
        capture_output=True,
        check=True,
    ).stdout


def address(root: Path) -> str | None:
    """Return the repository's own address on the web.

    Args:
        root: the repository, or a release.

    Returns:
        What ``CITATION.cff`` names as ``repository-code``, or else where git fetches from, as
        ``https://github.com/owner/name`` or the same at GitLab; None if there is neither.
    """
    fetched = str(citation(root).get("repository-code", ""))
    if not fetched and (root / ".git").exists():
        try:
            fetched = git(root, "remote", "get-url", "origin").decode().strip()
        except (OSError, subprocess.CalledProcessError):
            return None
    return web_address(fetched)


def web_address(fetched: str) -> str | None:
    """Return the address for a browser of what git fetches from, None for other places.

    >>> web_address("git@github.com:owner/name.git")
    'https://github.com/owner/name'
    >>> web_address("https://someone:secret@gitlab.com/owner/name/")
    'https://gitlab.com/owner/name'
    >>> web_address("/srv/git/name")
    """
    place = (
        r"(?:https://|ssh://|)(?:[^@/]+@)?(github|gitlab)\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
    )
    found = re.fullmatch(place, fetched)
    return f"https://{found[1]}.com/{found[2]}" if found else None
