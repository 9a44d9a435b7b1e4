"""A record gives back what was put in, refuses what it must, and is whole at any moment."""

import hashlib
import json
import math
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsprop.records.record import RecordError, parse, read, write
from rmsprop.records.tidy import make_record

WORDS = {"caption": "The finding.", "alt": "A line."}
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
NUMBERS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12).filter(
    str.isprintable
)


def record(**changes):
    return make_record("some-id", **(WORDS | {"data": {"x": [0.1, 1e-300], "y": [3, 4]}} | changes))


@st.composite
def tables(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(1, 6))
    kinds = [st.lists(kind, min_size=rows, max_size=rows) for kind in (NUMBERS, TEXTS)]
    return {name: draw(st.one_of(kinds)) for name in names}


@given(tables())
def test_every_bit_of_the_data_comes_back_from_the_files(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("records")
    written = record(data=data, units={next(iter(data)): "steps"}, seed=3)
    write(folder, written)
    back = read(folder, "some-id")
    assert back == written
    assert list(back.data()) == list(data)
    for name, values in data.items():
        restored = back.data()[name]
        if isinstance(values[0], str):
            assert restored.tolist() == values
        else:
            assert restored.tobytes() == np.array(values, dtype=float).tobytes()
    sums = hashlib.sha256((folder / "some-id.csv").read_bytes()).hexdigest()
    assert json.loads((folder / "some-id.json").read_text())["sha256"] == sums
    assert sorted(path.name for path in folder.iterdir()) == ["some-id.csv", "some-id.json"]


@pytest.mark.parametrize("data", [{"x": [0.1, 1e-300]}, {"name": ["a", "ß, 2"], "y": [1, 2]}])
def test_git_gives_the_file_the_name_that_the_record_gives(data):
    made = record(data=data)
    git = ["git", "hash-object", "--no-filters", "--stdin"]
    named = subprocess.run(git, input=made.csv.encode(), capture_output=True, check=True).stdout
    assert made.swhid == f"swh:1:cnt:{named.decode().strip()}"


@given(tables())
def test_words_survive_a_notebook_that_sorts_its_keys(data):
    made = record(data=data)
    words = json.loads(json.dumps(made.words(), sort_keys=True))
    assert parse("some-id", words, made.csv) == made


def test_grid_becomes_one_row_per_point_and_blocks_follow_each_other():
    made = record(
        data=[
            {"s": "grid", "x": np.array([[1], [2]]), "y": np.float32([0.5, 0.1])},
            {"s": "point", "x": 7, "y": 0.5},
        ]
    )
    assert made.csv == (
        "s,x,y\ngrid,1,0.5\ngrid,1,0.10000000149011612\ngrid,2,0.5\n"
        "grid,2,0.10000000149011612\npoint,7,0.5\n"
    )
    assert made.rows == 5


def test_words_say_units_tolerances_seed_and_license():
    made = record(
        units={"x": "steps"}, rtol={"y": 0.5}, atol=1e-3, seed=0, caption=" Two\n  lines. "
    )
    words = made.words()
    assert words["caption"] == "Two lines."
    assert words["columns"] == [
        {"name": "x", "type": "number", "unit": "steps", "rtol": 1e-9, "atol": 1e-3},
        {"name": "y", "type": "number", "unit": "1", "rtol": 0.5, "atol": 1e-3},
    ]
    assert words["seed"] == 0
    assert words["license"] == "CC-BY-4.0"
    assert words["rows"] == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"caption": " \n"}, "caption must not be empty, got ' \\n' for figure some-id"),
        ({"alt": ""}, "alt must not be empty, got '' for figure some-id"),
        (
            {"kind": "random"},
            "kind must be one of exact, statistical, measured, got 'random' for figure some-id",
        ),
        (
            {"kind": "statistical"},
            "over and within belong to statistical figures, to no others; figure some-id is "
            "statistical",
        ),
        (
            {"over": "x", "within": {"y": 1.0}},
            "over and within belong to statistical figures, to no others; figure some-id is exact",
        ),
        (
            {"data": {"x": [1.0, math.nan]}},
            "column x of figure some-id holds NaN, first in row 1",
        ),
        (
            {"data": {"x": [1, 2, 3], "y": [1, 2]}},
            "the columns of figure some-id must have one length, or shapes that broadcast, got "
            "x (3,), y (2,)",
        ),
        ({"data": {}}, "data must hold at least one column, got none for figure some-id"),
        ({"data": []}, "data must hold at least one column, got none for figure some-id"),
        ({"data": {"x": []}}, "column x of figure some-id must not be empty"),
        (
            {"data": {"x": [True]}},
            "column x of figure some-id must hold real numbers, or text in all of its rows",
        ),
        (
            {"data": {"x": [1j]}},
            "column x of figure some-id must hold real numbers, or text in all of its rows",
        ),
        (
            {"data": [{"x": 1}, {"x": "a"}]},
            "column x of figure some-id must hold real numbers, or text in all of its rows",
        ),
        ({"data": {"x": "a\nb"}}, "the text in column x of figure some-id must be printable"),
        (
            {"data": {"X": [1]}},
            "a column's name must be lower-case words joined by underscores, got 'X' for figure "
            "some-id",
        ),
        (
            {"data": [{"x": 1}, {"y": 1}]},
            "every block of figure some-id must have the columns x, got y",
        ),
        (
            {"units": {"z": "m"}},
            "units must name columns of figure some-id, which has x, y, got 'z'",
        ),
        (
            {"rtol": {"z": 1}},
            "rtol must name columns of figure some-id, which has x, y, got 'z'",
        ),
        (
            {"kind": "statistical", "over": "z", "within": {"y": 1}},
            "over must name columns of figure some-id, which has x, y, got 'z'",
        ),
        (
            {"rtol": math.inf},
            "rtol must be a finite number, at least 0, got inf for figure some-id",
        ),
        (
            {"atol": -1.0},
            "atol must be a finite number, at least 0, got -1.0 for figure some-id",
        ),
        (
            {"kind": "statistical", "over": "x", "within": {"y": math.nan}},
            "within must be a finite number, at least 0, got nan for figure some-id",
        ),
        (
            {"data": {"x": np.arange(200_000)}},
            "the data of figure some-id must be under 1 MB, got 1,288,892 bytes",
        ),
    ],
    ids=str,
)
def test_bad_input_gets_one_sentence(changes, message):
    with pytest.raises(RecordError) as error:
        record(**changes)
    assert str(error.value) == message


@pytest.mark.parametrize("id", ["", "A", "a_b", "a b", "-a", "a-", "a--b", "ä", "a\n"])
def test_malformed_id_is_quoted(id):
    with pytest.raises(RecordError) as error:
        make_record(id, **WORDS, data={"x": 1})
    assert str(error.value) == f"id must be lower-case words joined by hyphens, got {id!r}"


@pytest.mark.parametrize("id", ["a", "a1", "average-of-2-steps", "3"])
def test_words_joined_by_hyphens_are_an_id(id):
    assert make_record(id, **WORDS, data={"x": 1}).id == id


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: spoil(f / "some-id.csv", "0.1", "0.2"), "was changed by hand: the SHA-256 of"),
        (lambda f: (f / "some-id.csv").unlink(), "has lost its half some-id.csv"),
        (lambda f: (f / "some-id.json").unlink(), "has lost its half some-id.json"),
        (lambda f: (f / "some-id.csv").write_bytes(b"\xff"), "some-id.csv is not text in UTF-8"),
        (lambda f: spoil(f / "some-id.json", "{", "["), "some-id.json is not JSON: "),
        (lambda f: spoil(f / "some-id.json", '"sha256": "', '"sha256": "0'), "changed by hand"),
        (lambda f: spoil(f / "some-id.json", "swh:1:cnt:", "swh:1:cnt:0"), "json has another"),
        (lambda f: (f / "some-id.json").write_text("[1]"), "is not the record of a figure"),
        (lambda f: spoil(f / "some-id.json", '"kind"', '"sort"'), "is not the record of a figure"),
        (lambda f: spoil(f / "some-id.json", '"exact"', '"loose"'), "a kind that no record has"),
        (lambda f: spoil(f / "some-id.json", "some-id", "other"), "is the record of another"),
        (lambda f: spoil(f / "some-id.json", '"rtol"', '"ftol"'), "is not the record of a figure"),
        (lambda f: spoil(f / "some-id.json", '"rows"', '"note": 1, "rows"'), "says more than"),
    ],
)
def test_damaged_record_is_refused_and_left_alone(tmp_path, damage, message):
    write(tmp_path, record())
    damage(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RecordError, match=message) as error:
        read(tmp_path, "some-id")
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("", "some-id.csv must have rows of the columns x, y"),
        ("x,y\n", "some-id.csv must have rows of the columns x, y"),
        ("y,x\n1,2\n", "some-id.csv must have rows of the columns x, y"),
        ("x,y\n1\n", "some-id.csv must have rows of the columns x, y"),
        ("x,y\n1,nan\n", "column y of some-id.csv holds NaN"),
        ("x,y\n1,two\n", "column y of some-id.csv: could not convert"),
    ],
)
def test_data_that_are_not_as_said_are_refused_even_with_the_right_hash(tmp_path, csv, message):
    write(tmp_path, record())
    (tmp_path / "some-id.csv").write_text(csv)
    digest = hashlib.sha256(csv.encode()).hexdigest()
    spoil(tmp_path / "some-id.json", record().sha256, digest)
    with pytest.raises(RecordError, match=f"^{message}"):
        read(tmp_path, "some-id")


def test_a_record_from_before_swhids_is_read(tmp_path):
    write(tmp_path, record())
    spoil(tmp_path / "some-id.json", f' "swhid": "{record().swhid}",\n', "")
    assert read(tmp_path, "some-id") == record()


def test_figure_without_a_record_has_none(tmp_path):
    assert read(tmp_path, "some-id") is None


class Killed(BaseException):
    """What SIGKILL would be."""


@pytest.mark.parametrize("old", [None, record(data={"x": [1.0], "y": [2.0]})])
@pytest.mark.parametrize("survives", range(8))
def test_a_write_cut_off_anywhere_leaves_the_old_record_or_the_new(
    tmp_path, monkeypatch, old, survives
):
    """Kill at the n-th step that changes the disk: opening, writing out, renaming."""
    if old:
        write(tmp_path, old)
    steps = 0

    def step(function):
        def wrapped(*arguments, **options):
            nonlocal steps
            steps += 1
            if steps > survives:
                raise Killed
            return function(*arguments, **options)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", step(os.fsync))
        patch.setattr(Path, "open", step(Path.open))
        patch.setattr(Path, "replace", step(Path.replace))
        if survives < 6:
            with pytest.raises(Killed):
                write(tmp_path, record())
        else:
            write(tmp_path, record())
    assert read(tmp_path, "some-id") == (old if survives < 5 else record())
    write(tmp_path, record())
    assert read(tmp_path, "some-id") == record()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some-id.csv", "some-id.json"]
