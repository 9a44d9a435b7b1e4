"""Recordings: the results of studies that chapters read, in ``book/sweeps``.

A recording is two files, ``<name>.csv.xz`` with the data, compressed, and ``<name>.json`` with what
they are, the SHA-256 of the CSV among it. It is used only while the task's code is what it was
recorded with, and every reading runs one of its points again.
"""

import csv
import hashlib
import io
import json
import lzma
import os
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rmsprop.experiments.engines import in_process
from rmsprop.experiments.sweep import Columns, Engine, Point, Sweep, run
from rmsprop.records.environment import processor
from rmsprop.records.record import RecordError
from rmsprop.records.repository import commit, find_root
from rmsprop.records.study import Study

__all__ = ["Recording", "check_sample", "differences", "read", "record", "recorded", "rows_of"]

NUDGE = 1e-14
SAMPLE = 1  # points run again at every reading


@dataclass(frozen=True)
class Recording:
    """The results of a study.

    Attributes:
        columns: the arguments of the points, what the task returned, and ``repeats``: 1 where a run
            from a start nudged in its fourteenth digit ends alike, else 0.
        words: the study's name, the numbers of points and rows, the SHA-256 of data and code,
            machine, date, and the seconds of the run that finished it.
    """

    columns: Columns
    words: dict[str, Any]


def recorded(study: Study) -> Columns:
    """Return a study's recorded results, having run one of its points again.

    Args:
        study: as declared in `rmsprop.studies`.

    Returns:
        Tidy columns.

    Raises:
        RecordError: if there is no recording, it is damaged or stale, or a point deviates; names
            the point, and the command that records anew.
    """
    root = find_root()
    if root is None:
        raise RecordError("recordings are read in a clone or in a release of the book")
    recording = read(study, root / "book" / "sweeps")
    check_sample(study, recording, commit(root))
    return recording.columns


def record(study: Study, folder: Path, store: Path, engine: Engine) -> Recording:
    """Run a study, once more from nudged starts, and write its recording.

    Args:
        study: what to run.
        folder: where recordings are; made if missing.
        store: where results are kept on the way, so that a killed run goes on.
        engine: see `rmsprop.experiments.engines`.

    Raises:
        SweepError: if points failed.
    """
    begin = time.perf_counter()
    plain, nudged = (
        run(study.sweep(nudge), store, engine, title=study.name) for nudge in (0.0, NUDGE)
    )
    columns = {name: values for name, values in plain.items() if name != "nudge"}
    columns["repeats"] = np.all(
        [_alike(study, plain[name], nudged[name]) for name in _measured(study, columns)], axis=0
    ).astype(int)
    text = _to_csv(study, columns)
    words = {
        "study": study.name,
        "points": len(study.points),
        "rows": len(columns["repeats"]),
        "repeat": int(columns["repeats"].sum()),
        "code": study.sweep().code,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seconds": round(time.perf_counter() - begin),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / f"{study.name}.csv.xz", lzma.compress(text.encode(), preset=9))
    _replace(folder / f"{study.name}.json", (json.dumps(words, indent=1) + "\n").encode())
    return Recording(_from_csv(study, text), words)


def read(study: Study, folder: Path) -> Recording:
    """Read a recording.

    Args:
        study: whose.
        folder: where recordings are.

    Raises:
        RecordError: if it is missing, not what was written, or stale: of another code or other
            points than the study's. The message names the command to run.
    """
    remedy = f"make sweep NAME={study.name}"
    try:
        words = json.loads((folder / f"{study.name}.json").read_text(encoding="utf-8"))
        text = lzma.decompress((folder / f"{study.name}.csv.xz").read_bytes()).decode()
    except lzma.LZMAError:
        raise RecordError(f"{study.name}.csv.xz is damaged; record anew: {remedy}") from None
    except FileNotFoundError as error:
        raise RecordError(f"{error.filename} is missing; record it: {remedy}") from None
    except ValueError as error:
        raise RecordError(
            f"{study.name}.json is not JSON: {error}; record anew: {remedy}"
        ) from None
    if hashlib.sha256(text.encode()).hexdigest() != words.get("sha256"):
        raise RecordError(f"{study.name}.csv.xz is not what was recorded; record anew: {remedy}")
    if words.get("code") != study.sweep().code:
        raise RecordError(f"the task of study {study.name} has changed; record anew: {remedy}")
    columns = _from_csv(study, text)
    asked = {tuple(value for _, value in point) for point in study.points}
    told = [columns[name].tolist() for name in _arguments(study) if name in columns]
    if asked != {*zip(*told, strict=True)}:
        raise RecordError(f"{study.name} has other points; record anew: {remedy}")
    return Recording(columns, words)


def check_sample(study: Study, recording: Recording, commit: str, count: int = SAMPLE) -> None:
    """Run a few points of a recording again.

    Args:
        study: whose recording it is.
        recording: is compared with.
        commit: decides which points, so that nobody chooses them and everybody can repeat it.
        count: how many.

    Raises:
        RecordError: if one deviates; names the point.
    """
    points = study.sweep().points
    chosen = random.Random(f"{commit} {study.name}").sample(points, min(count, len(points)))
    found = differences(study, recording, chosen)
    if found:
        raise RecordError(
            f"{found[0]}; if that is meant, record anew: make sweep NAME={study.name}"
        )


def differences(
    study: Study, recording: Recording, points: Sequence[Point], engine: Engine = in_process
) -> list[str]:
    """Run points again, afresh, and say which deviate from the recording.

    A value that does not repeat is left out: the last bit of the start decides it.

    Args:
        study: whose recording it is.
        recording: is compared with.
        points: of the study's sweep.
        engine: where they run.

    Returns:
        A sentence for each point that deviates.
    """
    with tempfile.TemporaryDirectory() as store:
        fresh = run(Sweep(study.task, points), Path(store), engine, title=study.name)
    told = []
    for point in points:
        said = [(name, value) for name, value in point if name != "nudge"]
        old, new = (rows_of(columns, said) for columns in (recording.columns, fresh))
        repeats = old["repeats"] == 1
        for name in _measured(study, old):
            far = repeats & ~_alike(study, old[name], new[name])
            if far.any():
                i = int(far.argmax())
                told.append(
                    f"study {study.name} at {point}, row {i}: {name} is "
                    f"{new[name][i]:.9g}, recorded {old[name][i]:.9g}"
                )
                break
    return told


def rows_of(columns: Columns, arguments: Iterable[tuple[str, Any]]) -> Columns:
    """Return the rows of a point.

    Args:
        columns: of a recording.
        arguments: names and values of what the point says.

    >>> rows_of({"seed": np.array([0, 1, 1]), "loss": np.array([5, 6, 7])}, [("seed", 1)])["loss"]
    array([6, 7])
    """
    rows = np.all([columns[name] == value for name, value in arguments], axis=0)
    return {name: values[rows] for name, values in columns.items()}


def _arguments(study: Study) -> dict[str, type]:
    """Return the names of what points say, each with its type."""
    return {name: type(value) for name, value in study.points[0]}


def _measured(study: Study, columns: Columns) -> list[str]:
    return [name for name in columns if name not in (*_arguments(study), "nudge", "repeats")]


def _alike(study: Study, a: Any, b: Any) -> Any:
    return np.isclose(a, b, rtol=study.rtol, atol=0, equal_nan=True)


def _to_csv(study: Study, columns: Columns) -> str:
    """Write arguments as they are, and seven digits of the rest, one more than is compared."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    measured = _measured(study, columns)
    cells = [
        [f"{value:.7g}" if name in measured else value for value in values.tolist()]
        for name, values in columns.items()
    ]
    writer.writerows(zip(*cells, strict=True))
    return file.getvalue()


def _from_csv(study: Study, text: str) -> Columns:
    header, *rows = csv.reader(io.StringIO(text))
    kinds = _arguments(study) | {"repeats": int}
    return {
        name: np.array(cells, dtype=kinds.get(name, float))
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }


def _replace(path: Path, data: bytes) -> None:
    waiting = path.with_name(f".{path.name}")
    waiting.write_bytes(data)
    waiting.replace(path)
