"""Recordings: what is stale, damaged or no longer true is noticed, and named."""

import dataclasses
import json
import lzma

import numpy as np
import pytest

from rmsprop.experiments.engines import in_process
from rmsprop.experiments.statistics import tuned_ratio
from rmsprop.experiments.sweep import grid
from rmsprop.records import recording, replicate
from rmsprop.records.conclusions import Conclusion, by_rate, judge, rates_of
from rmsprop.records.record import RecordError
from rmsprop.records.recording import check_sample, differences, read, record
from rmsprop.records.study import Study

OFFSET = 0.0


def task(method, seed, nudge):
    """A parabola over the rates, whose lowest point is 1 for ``a`` and 2 for ``b``."""
    rates = np.array([0.1, 0.2, 0.4])
    bowl = np.log(rates / 0.2) ** 2
    luck = np.random.default_rng(seed).normal(0, 0.1)
    chaos = np.random.default_rng([seed, round(nudge * 1e15)]).random()
    loss = (1 if method == "a" else 2) * np.exp(bowl + luck) + OFFSET
    return {"rate": rates, "loss": loss, "wild": [1.0, 1.0, chaos]}


def lucky(method, seed, nudge):
    """What the recorded seeds show and others do not."""
    result = task(method, seed, nudge)
    return result | {"loss": result["loss"] * (3 if method == "b" and seed > 99 else 1)}


TWICE = Conclusion("twice", "b is twice a.", ("a", "b"), tuned_ratio, least=1.9, greatest=2.1)
POINTS = grid(method=["a", "b"], seed=range(8))
STUDY = Study("bowls", task, POINTS, "two bowls", (TWICE,))


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(replicate, "choose_engine", lambda: in_process)
    monkeypatch.setattr(replicate, "describe", lambda root: {"device": "a test's"})


@pytest.fixture
def folder(tmp_path):
    record(STUDY, tmp_path / "book" / "sweeps", tmp_path / "store", in_process)
    return tmp_path / "book" / "sweeps"


def test_what_is_recorded_is_read(folder):
    read_back = read(STUDY, folder)
    fresh = task("b", 3, 0.0)
    assert by_rate(read_back.columns, "b", "loss")[:, 3] == pytest.approx(fresh["loss"], rel=1e-6)
    assert rates_of(read_back.columns, "a").tolist() == [0.1, 0.2, 0.4]
    assert read_back.words["rows"] == 2 * 8 * 3
    # The third rate's wild column hangs on the nudge.
    assert read_back.columns["repeats"].reshape(-1, 3).tolist() == [[1, 1, 0]] * 16


def test_a_sample_that_deviates_names_its_point(folder, monkeypatch):
    whole = read(STUDY, folder)
    check_sample(STUDY, whole, "commit")
    whole.columns["loss"][:] *= 1 + 1e-5
    with pytest.raises(RecordError, match=r"bowls at method='.', seed=\d, nudge=0.0, row 0: loss"):
        check_sample(STUDY, whole, "commit")


def test_one_point_in_all_is_found_by_running_all(folder):
    whole = read(STUDY, folder)
    points = STUDY.sweep().points
    assert differences(STUDY, whole, points) == []
    whole.columns["loss"][7] *= 2
    (told,) = differences(STUDY, whole, points)
    assert "seed=2, nudge=0.0, row 1: loss" in told
    assert differences(STUDY, whole, points[:2]) == []


def test_values_that_do_not_repeat_are_not_compared(folder):
    whole = read(STUDY, folder)
    whole.columns["loss"][whole.columns["repeats"] == 0] *= 2
    assert differences(STUDY, whole, STUDY.sweep().points) == []


def area(angle, nudge):
    """One row, whose argument has more digits than are written of what is measured."""
    return {"sine": np.sin(angle) * (1 + 1e6 * nudge)}


FIELDS = Study("fields", area, grid(angle=[0.123456789012, 0.2]), "two fields")


def test_arguments_are_kept_to_the_last_digit(tmp_path):
    record(FIELDS, tmp_path, tmp_path / "store", in_process)
    whole = read(FIELDS, tmp_path)
    assert whole.columns["angle"].tolist() == [0.123456789012, 0.2]
    assert differences(FIELDS, whole, FIELDS.sweep().points) == []
    assert FIELDS.seeds == 0


@pytest.mark.parametrize(("change", "deviating"), [(2e-6, 2), (0.5e-6, 0)])
def test_alike_is_what_the_study_calls_so(tmp_path, change, deviating):
    record(FIELDS, tmp_path, tmp_path / "store", in_process)
    whole = read(FIELDS, tmp_path)
    whole.columns["sine"][:] *= 1 + change
    assert len(differences(FIELDS, whole, FIELDS.sweep().points)) == deviating
    loose = other(FIELDS, rtol=1e-5)
    assert differences(loose, whole, FIELDS.sweep().points) == []


def test_the_commit_draws_the_sample(folder, monkeypatch):
    drawn = []
    monkeypatch.setattr(recording, "differences", lambda *given: drawn.append(given[2]) or [])
    for commit in ("a", "a", "b"):
        check_sample(STUDY, read(STUDY, folder), commit)
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(points) == recording.SAMPLE for points in drawn)


def other(study, **changes):
    return dataclasses.replace(study, **changes)


def another_task(method, seed, nudge):
    return task(method, seed, nudge)


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (other(STUDY, task=another_task), "task of study bowls has changed"),
        (other(STUDY, points=grid(method=["a", "c"], seed=range(8))), "other points"),
        (other(STUDY, points=grid(method=["a", "b"], seed=range(9))), "other points"),
        (other(STUDY, points=grid(method=["a", "b"], rate=[0.1])), "other points"),
        (other(STUDY, name="cups"), "cups.json is missing"),
    ],
)
def test_what_is_stale_names_the_command(folder, study, message):
    with pytest.raises(RecordError, match=f"{message}.*make sweep NAME={study.name}"):
        read(study, folder)


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-9], lambda text: text.replace("a,0", "b,0", 1)]
)
def test_damaged_data_are_noticed(folder, damage):
    path = folder / "bowls.csv.xz"
    text = lzma.decompress(path.read_bytes()).decode()
    path.write_bytes(lzma.compress(damage(text).encode()))
    with pytest.raises(RecordError, match="is not what was recorded"):
        read(STUDY, folder)


def test_a_truncated_file_is_noticed(folder):
    path = folder / "bowls.csv.xz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordError, match=r"bowls\.csv\.xz is damaged.*make sweep NAME=bowls"):
        read(STUDY, folder)


def test_words_that_are_not_json_are_noticed(folder):
    (folder / "bowls.json").write_text("{")
    with pytest.raises(RecordError, match="not JSON"):
        read(STUDY, folder)


def test_words_say_where_and_how_long(folder):
    words = json.loads((folder / "bowls.json").read_text())
    assert {"code", "sha256", "machine", "date", "seconds"} <= words.keys()


def columns_of(first, second, seeds=16):
    """Losses of two methods with a bowl over the rates; ``second`` over ``first`` is known."""
    luck = np.random.default_rng(0).normal(0, 0.2, seeds)
    noise = np.random.default_rng(1).normal(0, 0.02, seeds)
    bowl = np.array([2.0, 1.0, 2.0])[:, None]
    rows = {
        "a": first * bowl * np.exp(luck),
        "b": second * bowl * np.exp(luck + noise),
    }
    return {
        "method": np.repeat(["a", "b"], 3 * seeds),
        "rate": np.tile(np.repeat([0.1, 0.2, 0.4], seeds), 2),
        "seed": np.tile(np.arange(seeds), 6),
        "loss": np.concatenate([rows["a"].ravel(), rows["b"].ravel()]),
    }


@pytest.mark.parametrize(
    ("ratio", "bounds", "verdict"),
    [
        (1.5, {"least": 1.4}, "holds"),
        (1.5, {"least": 1.6}, "does not hold"),
        (1.5, {"least": 1.5}, "cannot tell"),
        (1.5, {"greatest": 1.6}, "holds"),
        (1.5, {"greatest": 1.4}, "does not hold"),
        (1.0, {"least": 0.9, "greatest": 1.1}, "holds"),
        (1.2, {"least": 0.9, "greatest": 1.1}, "does not hold"),
        (1.1, {"least": 0.9, "greatest": 1.1}, "cannot tell"),
    ],
)
def test_verdicts(ratio, bounds, verdict):
    conclusion = Conclusion("c", "C.", ("a", "b"), tuned_ratio, **bounds)
    judgment = judge(conclusion, columns_of(1.0, ratio))
    assert judgment.verdict == verdict
    assert judgment.interval.estimate == pytest.approx(ratio, rel=0.02)


@pytest.mark.parametrize(("left_out", "at_end"), [(0.4, ("a", "b")), (0.1, ("a", "b")), (0.3, ())])
def test_a_best_rate_at_the_end_of_its_grid_concludes_nothing(left_out, at_end):
    columns = columns_of(1.0, 1.5)
    kept = {name: values[columns["rate"] != left_out] for name, values in columns.items()}
    judgment = judge(Conclusion("c", "C.", ("a", "b"), tuned_ratio, least=1.4), kept)
    assert judgment.at_end == at_end
    assert judgment.verdict == ("cannot tell" if at_end else "holds")


def test_where_no_best_rate_is_found_an_end_is_no_matter():
    columns = columns_of(1.0, 1.5)
    kept = {name: values[columns["rate"] != 0.4] for name, values in columns.items()}
    conclusion = Conclusion("c", "C.", ("a", "b"), tuned_ratio, least=1.4, tuned=False)
    assert judge(conclusion, kept).at_end == ()
    assert judge(conclusion, kept).verdict == "holds"


def test_a_published_conclusion_must_hold(folder):
    columns = read(STUDY, folder).columns
    assert STUDY.concluded(columns)["twice"].verdict == "holds"
    wrong = other(STUDY, conclusions=(dataclasses.replace(TWICE, greatest=1.95),))
    with pytest.raises(
        AssertionError, match=r"conclusion twice must lie 1\.9 to 1\.95, got 2\.00 "
    ):
        wrong.concluded(columns)


def test_replication_judges_the_same_conclusions_on_other_seeds(folder):
    root = folder.parents[1]
    report = replicate.replicate(root, [STUDY], [], range(100, 110))
    assert report.holds
    ((published, fresh),) = report.pairs
    assert (published.seeds, fresh.seeds) == (8, 10)
    assert "1 conclusions on seeds 100 to 109: 1 holds" in report.summary()
    assert (
        "| twice | 1.9 to 2.1 | 2.00 (2.00 to 2.00) | 2.00 (2.00 to 2.00) | holds |"
        in report.markdown()
    )
    assert "twice" in report.table()


@pytest.mark.parametrize(
    ("ids", "seeds", "message"),
    [
        (["thrice"], range(100, 110), "no conclusion is called 'thrice'"),
        ([], range(7, 110), "seeds must be at least two, from 8 on.*got 7:110"),
        ([], range(100, 101), "at least two"),
    ],
)
def test_what_cannot_be_replicated_is_refused(folder, ids, seeds, message):
    with pytest.raises(RecordError, match=message):
        replicate.replicate(folder.parents[1], [STUDY], ids, seeds)


def test_a_conclusion_that_fails_on_fresh_seeds_is_told(tmp_path):
    study = other(STUDY, task=lucky)
    record(study, tmp_path / "book" / "sweeps", tmp_path / "store", in_process)
    report = replicate.replicate(tmp_path, [study], ["twice"], range(100, 110))
    assert not report.holds
    assert report.pairs[0][0].verdict == "holds"
    assert report.pairs[0][1].verdict == "does not hold"
