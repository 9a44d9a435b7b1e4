"""The commands of ``python -m rmsprop``: of figures, of sweeps, of conclusions, of releases."""

import argparse
import sys
from datetime import date
from pathlib import Path

from tqdm import tqdm

from rmsprop.experiments.engines import choose_engine
from rmsprop.experiments.sweep import SweepError
from rmsprop.records.accept import accept
from rmsprop.records.archive import release
from rmsprop.records.consistency import check
from rmsprop.records.record import RecordError
from rmsprop.records.recording import differences, read, record
from rmsprop.records.replicate import fresh_seeds, replicate
from rmsprop.records.repository import find_root
from rmsprop.records.rerun import Progress
from rmsprop.records.source import require
from rmsprop.records.study import Study
from rmsprop.records.verify import verify
from rmsprop.studies import STUDIES


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line.

    Returns:
        The exit status: 0 if all is well, 1 if a figure is not, 2 if the command cannot be run.
    """
    options = _parser().parse_args(arguments)
    root = find_root()
    try:
        if root is None:
            raise RecordError("this folder is in no clone and no release of the book")
        return int(options.run(root, options))
    except (RecordError, SweepError) as error:
        print(f"rmsprop: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("rmsprop: interrupted; points of a sweep that are finished are kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rmsprop", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("verify", help="execute chapters again and compare the figures")
    command.add_argument("ids", nargs="*", metavar="ID", help="a figure; all unless named")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.add_argument("--sweeps", action="store_true", help="all points of recordings instead")
    command.set_defaults(run=_verify)

    command = commands.add_parser("sweep", help="run studies and record them in book/sweeps")
    command.add_argument("names", nargs="*", metavar="NAME", help="a study; all unless named")
    command.set_defaults(run=_sweep)

    command = commands.add_parser("replicate", help="make conclusions anew on fresh seeds")
    command.add_argument("ids", nargs="*", metavar="ID", help="a conclusion; all unless named")
    command.add_argument(
        "--seeds", type=_seeds, metavar="FROM:TO", help="the seeds; without it, those of today"
    )
    command.set_defaults(run=_replicate)

    command = commands.add_parser("accept", help="execute chapters again and adopt their figures")
    command.add_argument("ids", nargs="*", metavar="ID", help="a figure; all unless named")
    command.set_defaults(run=_accept)

    command = commands.add_parser("check", help="find figures without a record, and the like")
    command.set_defaults(run=_check)

    command = commands.add_parser("release", help="archive the built book with all it rests on")
    command.set_defaults(run=_release)
    return parser


def _seeds(text: str) -> range:
    first, _, end = text.partition(":")
    return range(int(first), int(end))


def _verify(root: Path, options: argparse.Namespace) -> int:
    if options.sweeps:
        return _verify_sweeps(root, options)
    report = verify(root, options.ids, _progress())
    path = root / "build" / "verification.md"
    path.write_text(report.markdown(), encoding="utf-8")
    if options.json:
        print(report.json())
    else:
        print(report.table())
        print("\n".join(["", *report.details(), report.summary()]))
        print(f"report: {path}")
    return 0 if report.verified else 1


def _verify_sweeps(root: Path, options: argparse.Namespace) -> int:
    all_hold = True
    for study in _named(options.ids):
        recording = read(study, root / "book" / "sweeps")
        points = study.sweep().points
        found = differences(study, recording, points, choose_engine())
        print(
            f"study {study.name}: {len(points)} points run again, {len(found)} deviate",
            *found,
            sep="\n",
        )
        all_hold &= not found
    return 0 if all_hold else 1


def _sweep(root: Path, options: argparse.Namespace) -> int:
    store, folder = root / "build" / "sweeps", root / "book" / "sweeps"
    for study in _named(options.names):
        words = record(study, folder, store, choose_engine()).words
        print(f"{study.name}: {words['rows']:,} rows, of which {words['repeat']:,} repeat")
    return 0


def _named(names: list[str]) -> list[Study]:
    require(names, [study.name for study in STUDIES], "study")
    return [study for study in STUDIES if not names or study.name in names]


def _replicate(root: Path, options: argparse.Namespace) -> int:
    seeds = options.seeds or fresh_seeds(max(study.seeds for study in STUDIES), date.today())
    report = replicate(root, STUDIES, options.ids, seeds)
    path = root / "build" / "replication.md"
    path.write_text(report.markdown(), encoding="utf-8")
    print(f"{report.table()}\n\n{report.summary()}\nreport: {path}")
    return 0 if report.holds else 1


def _accept(root: Path, options: argparse.Namespace) -> int:
    changed = accept(root, options.ids, _progress(), print)
    print(f"written: {', '.join(changed) or 'nothing'}")
    return 0


def _check(root: Path, options: argparse.Namespace) -> int:
    problems = check(root)
    print("\n".join(problems), end="\n" * bool(problems))
    return 1 if problems else 0


def _release(root: Path, options: argparse.Namespace) -> int:
    print(f"The release is at {release(root)}")
    return 0


def _progress() -> Progress:
    """Open a bar, which is drawn on a terminal, and return what moves it."""
    bar = tqdm(disable=None, leave=False)

    def move(done: int, total: int, what: str) -> None:
        bar.total = total
        bar.set_description(what, refresh=False)
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return move


if __name__ == "__main__":
    sys.exit(main())
