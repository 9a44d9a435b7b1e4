"""Adopt the figures of a run as the published records."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from rmsprop.records.compare import compare
from rmsprop.records.record import Record, RecordError, read, write
from rmsprop.records.rerun import Progress, rerun
from rmsprop.records.source import find_sources, require

__all__ = ["accept"]


def accept(
    root: Path, ids: Collection[str], progress: Progress, say: Callable[[str], None]
) -> list[str]:
    """Execute chapters again and adopt their figures where these are not what is published.

    A figure within tolerance of its record, or a measured one, is adopted only if it is named.

    Args:
        root: the repository.
        ids: the figures to adopt; none means all.
        progress: called as by `rmsprop.records.rerun.rerun`.
        say: is told what will change before anything is written.

    Returns:
        The ids of the records written.

    Raises:
        RecordError: in CI, for an unknown id or a damaged record, and if a cell fails. Nothing is
            written then.
    """
    if os.environ.get("CI"):
        raise RecordError("records are accepted by a person, not in CI (CI is set)")
    folder, sources = root / "book" / "figures", find_sources(root / "book")
    require(ids, sources)
    wanted = list(ids or sources)
    published = {id: read(folder, id) for id in wanted}
    run = rerun(root, sorted({sources[id].chapter for id in wanted}), progress)
    if run.failures:
        raise RecordError(f"nothing is accepted while chapters fail: {'; '.join(run.failures)}")
    absent = [id for id in wanted if id not in run.figures]
    if absent:
        raise RecordError(f"nothing is accepted: the run did not publish {', '.join(absent)}")
    changed = []
    for id in wanted:
        changes = _changes(published[id], run.figures[id], named=id in ids)
        say("\n".join([f"{id}: {changes[0]}", *(f"  {change}" for change in changes[1:])]))
        if len(changes) > 1:
            changed.append(id)
    for id in changed:
        write(folder, run.figures[id])
    return changed


def _changes(published: Record | None, fresh: Record, *, named: bool) -> list[str]:
    """Return the verdict and, if the figure is to be adopted, what that changes."""
    comparison = compare(published, fresh)
    if published is None:
        return ["new", f"{fresh.kind}, {fresh.rows} rows of {', '.join(fresh.columns)}"]
    if comparison.differences:
        return [comparison.verdict, *comparison.differences]
    old, new = published.words(), fresh.words()
    if named or comparison.verdict == "bit-identical":
        changes = [f"{k}: {old.get(k)!r} becomes {new[k]!r}" for k in new if old.get(k) != new[k]]
        return [comparison.verdict, *changes]
    return [f"{comparison.verdict}, kept"]
