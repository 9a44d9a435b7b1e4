"""The table in the README names tests that there are, and all that are here."""

import re
from pathlib import Path

HERE = Path(__file__).parent
NAMED = set(re.findall(r"`([\w./]+\.py)::(test_\w+)`", (HERE / "README.md").read_text("utf-8")))


def names_in(path):
    return set(re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.M))


def test_every_test_that_is_named_is_there():
    assert [(file, name) for file, name in NAMED if name not in names_in(HERE / file)] == []


def test_every_test_that_is_here_is_named():
    here = {(file.name, name) for file in HERE.glob("test_*.py") for name in names_in(file)}
    own = {(Path(__file__).name, name) for name in names_in(Path(__file__))}
    assert here - own <= NAMED
