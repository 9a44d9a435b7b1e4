"""Execute chapters again, in a scratch folder, and collect the figures that they publish."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from rmsprop.records.compare import FigureDeviates
from rmsprop.records.mime import FIGURE
from rmsprop.records.outputs import outputs
from rmsprop.records.record import Record, parse
from rmsprop.sealed import environment

__all__ = ["Progress", "Run", "collect", "rerun"]

Progress = Callable[[int, int, str], None]


@dataclass
class Run:
    """What came of executing chapters.

    Attributes:
        figures: the records of the run, by the figures' ids.
        failures: the first cell of each chapter that failed, in a sentence; a deviating figure is
            no failure here.
    """

    figures: dict[str, Record] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def rerun(root: Path, chapters: Collection[str], progress: Progress) -> Run:
    """Execute chapters as `make book` does, but to the end, whatever fails on the way.

    Args:
        root: the repository. The package executed is the one in it.
        chapters: their names.
        progress: called after each cell with the number of cells executed, of all, and a text.

    Returns:
        The figures, and what failed.
    """
    Path(environment(root)["HOME"]).mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="rerun.", dir=root / "build"))
    try:
        for chapter in chapters:
            (scratch / chapter).mkdir()
            shutil.copy(root / "book" / f"{chapter}.ipynb", scratch / chapter)
        return asyncio.run(_execute(root, scratch, list(chapters), progress))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _execute(root: Path, scratch: Path, chapters: list[str], progress: Progress) -> Run:
    paths = {chapter: scratch / chapter / f"{chapter}.ipynb" for chapter in chapters}
    notebooks = {chapter: nbformat.read(path, as_version=4) for chapter, path in paths.items()}
    total = sum(cell.cell_type == "code" for book in notebooks.values() for cell in book.cells)
    done = 0
    at_once = asyncio.Semaphore(os.cpu_count() or 1)
    run = Run()

    async def execute(chapter: str) -> None:
        def executed(**_: Any) -> None:
            nonlocal done
            done += 1
            progress(done, total, chapter)

        client = NotebookClient(
            notebooks[chapter],
            timeout=None,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(paths[chapter].parent)}},
            on_cell_executed=executed,
        )
        async with at_once:
            progress(done, total, chapter)
            try:
                await client.async_execute(env=environment(root), stderr=subprocess.DEVNULL)
            except RuntimeError as error:  # the kernel died
                run.failures.append(f"{chapter} stopped: {error}")
        nbformat.write(notebooks[chapter], paths[chapter])
        run.figures |= collect(paths[chapter])
        run.failures += _failures(chapter, notebooks[chapter])

    async with asyncio.TaskGroup() as group:
        for chapter in chapters:
            group.create_task(execute(chapter))
    return run


def _failures(chapter: str, notebook: Any) -> list[str]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.ename != FigureDeviates.__name__:
                return [f"cell {cell.id} of {chapter} failed: {output.ename}: {output.evalue}"]
    return []


def collect(notebook: Path) -> dict[str, Record]:
    """Return the records of the figures that an executed notebook shows.

    Args:
        notebook: its path; its name is the chapter's.
    """
    records = {}
    for shown in outputs(notebook, FIGURE):
        id = shown["record"]["id"]
        records[id] = parse(id, shown["record"] | {"chapter": notebook.stem}, shown["csv"])
    return records
