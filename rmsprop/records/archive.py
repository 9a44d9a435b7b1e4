"""Archive the built book with everything that it rests on: one file that verifies itself."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from rmsprop.records import codecheck, ro_crate
from rmsprop.records.consistency import check
from rmsprop.records.record import RecordError
from rmsprop.records.repository import address, citation, git

__all__ = ["release"]


def release(root: Path) -> Path:
    """Write ``dist/rmsprop-book-<version>.tar.gz``, the same bytes for the same commit and book.

    It holds every committed file, the rendered book as ``html``, the commit in ``CITATION.cff``,
    an RO-Crate's metadata and CODECHECK's manifest, and ``SHA256SUMS`` of all of it.

    Args:
        root: the repository, with the book built.

    Returns:
        The archive.

    Raises:
        RecordError: if something is not committed, the book is not built, or `check` finds a fault.
    """
    if _git(root, "status", "--porcelain"):
        raise RecordError("commit first: a release holds what is committed, and more has changed")
    if not (root / "build" / "html" / "index.html").exists():
        raise RecordError("the book is not built: `make book` does it")
    if faults := check(root):
        raise RecordError(faults[0])
    commit = _git(root, "rev-parse", "HEAD").decode().strip()
    figures = json.loads((root / "build" / "html" / "figures.json").read_text(encoding="utf-8"))
    if {figure["environment"]["commit"] for figure in figures.values()} != {commit}:
        raise RecordError("the book was rendered at another commit: `make release` renders it anew")
    files = _files(root, commit)
    sizes = {path: len(content) for path, (content, _) in files.items()}
    for path, text in _described(root, figures, sizes).items():
        files[path] = text.encode(), 0o644
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, (content, _) in sorted(files.items())
    )
    files["SHA256SUMS"] = sums.encode(), 0o644
    date = int(_git(root, "log", "-1", "--format=%ct"))
    name = f"rmsprop-book-{citation(root)['version']}"
    archive = root / "dist" / f"{name}.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    unfinished = archive.with_suffix(".part")
    unfinished.write_bytes(_pack(name, files, date))
    unfinished.replace(archive)
    return archive


def _files(root: Path, commit: str) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of every file in the archive but the checksums."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "HEAD"))) as sources:
        for member in sources.getmembers():
            content = sources.extractfile(member)
            if content:
                files[member.name] = content.read(), member.mode & 0o755
    text, mode = files["CITATION.cff"]
    files["CITATION.cff"] = text + f"commit: {commit}\n".encode(), mode
    html = root / "build" / "html"
    for path in html.rglob("*"):
        if path.is_file():
            files[f"html/{path.relative_to(html).as_posix()}"] = path.read_bytes(), 0o644
    return files


def _described(root: Path, figures: dict[str, Any], sizes: dict[str, int]) -> dict[str, str]:
    """Return what is said of the archive to machines, and to those who are to check it."""
    crate = ro_crate.describe(citation(root), figures, sizes)
    return {
        ro_crate.METADATA: json.dumps(crate, indent=1, ensure_ascii=False) + "\n",
        "codecheck.yml": codecheck.manifest(citation(root), figures, address(root)),
    }


def _pack(folder: str, files: dict[str, tuple[bytes, int]], date: int) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=date, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, (content, mode) in sorted(files.items()):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode, member.mtime = len(content), mode, date
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _git(root: Path, *arguments: str) -> bytes:
    try:
        return git(root, *arguments)
    except subprocess.CalledProcessError as error:
        raise RecordError(f"git {arguments[0]} failed: {error.stderr.decode().strip()}") from None
