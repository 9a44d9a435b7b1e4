"""The commands ``verify``, ``accept``, ``check`` and ``release`` of ``python -m rmsprop``."""

import argparse
import sys
from pathlib import Path

from rmsprop.records.accept import accept
from rmsprop.records.archive import release
from rmsprop.records.consistency import check
from rmsprop.records.record import RecordError
from rmsprop.records.repository import find_root
from rmsprop.records.verify import verify


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
    except RecordError as error:
        print(f"rmsprop: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rmsprop", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("verify", help="execute chapters again and compare the figures")
    command.add_argument("ids", nargs="*", metavar="ID", help="a figure; all unless named")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=_verify)

    command = commands.add_parser("accept", help="execute chapters again and adopt their figures")
    command.add_argument("ids", nargs="*", metavar="ID", help="a figure; all unless named")
    command.set_defaults(run=_accept)

    command = commands.add_parser("check", help="find figures without a record, and the like")
    command.set_defaults(run=_check)

    command = commands.add_parser("release", help="archive the built book with all it rests on")
    command.set_defaults(run=_release)
    return parser


def _verify(root: Path, options: argparse.Namespace) -> int:
    report = verify(root, options.ids, _progress)
    path = root / "build" / "verification.md"
    path.write_text(report.markdown(), encoding="utf-8")
    if options.json:
        print(report.json())
    else:
        print(report.table())
        print("\n".join(["", *report.details(), report.summary()]))
        print(f"report: {path}")
    return 0 if report.verified else 1


def _accept(root: Path, options: argparse.Namespace) -> int:
    changed = accept(root, options.ids, _progress, print)
    print(f"written: {', '.join(changed) or 'nothing'}")
    return 0


def _check(root: Path, options: argparse.Namespace) -> int:
    problems = check(root)
    print("\n".join(problems), end="\n" * bool(problems))
    return 1 if problems else 0


def _release(root: Path, options: argparse.Namespace) -> int:
    print(f"The release is at {release(root)}")
    return 0


def _progress(done: int, total: int, what: str) -> None:
    """Draw a bar on a terminal."""
    if sys.stderr.isatty():
        filled = 30 * done // max(total, 1)
        bar = "#" * filled + "-" * (30 - filled)
        print(f"\r[{bar}] {done}/{total} {what:<24.24}", end="", file=sys.stderr, flush=True)
        if done == total:
            print("\r" + " " * 72, end="\r", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
