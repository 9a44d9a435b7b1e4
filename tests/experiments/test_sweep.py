"""Sweeps: the same bits from every engine, nothing lost, nothing computed twice."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rmsprop.experiments.closure import code_digest
from rmsprop.experiments.engines import all_cores, choose_engine, dask, in_process
from rmsprop.experiments.sweep import Point, Sweep, SweepError, grid, run

# What tasks do is told by files, because they may run in another process.
TASKS = '''
import os, signal
from pathlib import Path
import numpy as np

def noted(folder, seed):
    with open(Path(folder) / "calls", "a") as file:
        file.write(f"{seed}\\n")

def products(folder, seed, size=200):
    """Sums whose bits depend on how many threads share them."""
    noted(folder, seed)
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((size, size))
    return {"x": (a @ a)[0, :3], "total": a.sum()}

def kills(folder, seed):
    noted(folder, seed)
    if seed == 3 and not (Path(folder) / "killed").exists():
        (Path(folder) / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": seed**2}

def always_kills(folder, seed):
    os.kill(os.getpid(), signal.SIGKILL)

def fails(folder, seed):
    noted(folder, seed)
    if seed in (1, 2):
        raise ValueError(f"no {seed}")
    return {"x": seed}

def interrupted(folder, seed):
    noted(folder, seed)
    if seed == 4 and not (Path(folder) / "again").exists():
        (Path(folder) / "again").touch()
        raise KeyboardInterrupt
    return {"x": seed}
'''


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "swept_tasks.py").write_text(TASKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).parents[2]}")
        import swept_tasks

        yield swept_tasks


@pytest.fixture
def calls(tmp_path):
    def read():
        path = tmp_path / "calls"
        lines = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(map(int, lines))

    return read


def sweep_of(task, tmp_path, seeds):
    return Sweep(task, grid(folder=[str(tmp_path)], seed=seeds))


@pytest.fixture(scope="module")
def cluster(tasks):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


@pytest.mark.filterwarnings("default")  # of other packages
def test_every_engine_gives_the_same_bits_in_the_order_of_the_points(
    tasks, tmp_path, cluster, monkeypatch
):
    monkeypatch.setenv("RMSPROP_SCHEDULER", cluster.scheduler_address)
    sweep = sweep_of(tasks.products, tmp_path, [5, 1, 4, 0])
    engines = {"here": in_process, "loky": all_cores, "dask": dask}
    results = {name: run(sweep, tmp_path / name, engine) for name, engine in engines.items()}
    assert results["here"]["seed"].tolist() == [5] * 3 + [1] * 3 + [4] * 3 + [0] * 3
    assert list(results["here"]) == ["folder", "seed", "x", "total"]
    for result in results.values():
        for name, values in result.items():
            assert values.tobytes() == results["here"][name].tobytes()


def test_any_executor_is_an_engine(tasks, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    sweep = sweep_of(tasks.fails, tmp_path, [3, 4])
    with ThreadPoolExecutor(2) as executor:
        result = run(sweep, tmp_path / "store", lambda: nullcontext(executor))
    assert result["x"].tolist() == [3, 4]


@pytest.mark.filterwarnings("default:A worker stopped")  # loky's, which is what is tested
def test_a_killed_worker_loses_nothing(tasks, tmp_path, calls):
    result = run(sweep_of(tasks.kills, tmp_path, range(6)), tmp_path / "store", all_cores)
    assert result["x"].tolist() == [0, 1, 4, 9, 16, 25]
    assert calls().count(3) == 2
    assert run(sweep_of(tasks.kills, tmp_path, range(6)), tmp_path / "store", all_cores)
    assert calls() == []


@pytest.mark.filterwarnings("default:A worker stopped")
def test_workers_that_always_die_end_the_sweep(tasks, tmp_path):
    with pytest.raises(SweepError, match=r"workers died before any of 2 points.*seed=0"):
        run(sweep_of(tasks.always_kills, tmp_path, range(2)), tmp_path / "store", all_cores)


def test_after_an_interrupt_exactly_the_rest_is_computed(tasks, tmp_path, calls):
    sweep = sweep_of(tasks.interrupted, tmp_path, range(9))
    with pytest.raises(KeyboardInterrupt):
        run(sweep, tmp_path / "store", in_process)
    assert calls() == [0, 1, 2, 3, 4]
    assert run(sweep, tmp_path / "store", in_process)["x"].tolist() == list(range(9))
    assert calls() == [4, 5, 6, 7, 8]


def test_ctrl_c_of_a_parallel_sweep_leaves_what_is_finished(tmp_path):
    """A process of its own, because the signal is that of a terminal."""
    (tmp_path / "slow_tasks.py").write_text(
        "import time\n"
        "def wait(seed):\n"
        "    time.sleep(0 if seed < 3 else 60)\n"
        "    return {'x': seed}\n"
    )
    program = textwrap.dedent(
        f"""
        import signal, sys
        from pathlib import Path
        # A job in the background would ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.path.insert(0, {str(tmp_path)!r})
        import slow_tasks
        from rmsprop.experiments.engines import all_cores
        from rmsprop.experiments.sweep import Sweep, grid, run
        store = Path({str(tmp_path)!r}) / "store"
        run(Sweep(slow_tasks.wait, grid(seed=range(9))), store, all_cores)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    store = tmp_path / "store"
    while not (store.exists() and len(list(store.glob("*.json"))) == 3):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in error
    assert len(list(store.iterdir())) == 3


def test_one_more_seed_costs_one_more_seed(tasks, tmp_path, calls):
    for seeds in (range(3), range(4)):
        run(sweep_of(tasks.products, tmp_path, seeds), tmp_path / "store", in_process)
    assert calls() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-5], lambda text: text.replace("1", "2"), lambda _: ""]
)
def test_a_damaged_result_is_computed_again(tasks, tmp_path, calls, damage):
    sweep = sweep_of(tasks.products, tmp_path, range(2))
    first = run(sweep, tmp_path / "store", in_process)
    path = tmp_path / "store" / f"{sweep.key(sweep.points[1])}.json"
    path.write_text(damage(path.read_text()))
    calls()
    again = run(sweep, tmp_path / "store", in_process)
    assert calls() == [1]
    assert again["x"].tobytes() == first["x"].tobytes()


def test_failing_points_name_themselves_and_stop_no_others(tasks, tmp_path, calls):
    sweep = sweep_of(tasks.fails, tmp_path, range(5))
    with pytest.raises(
        SweepError, match=r"2 of 5 points failed.*fails\(.*seed=1\): ValueError: no 1"
    ):
        run(sweep, tmp_path / "store", in_process)
    assert calls() == [0, 1, 2, 3, 4]
    with pytest.raises(SweepError):
        run(sweep, tmp_path / "store", in_process)
    assert calls() == [1, 2]


def test_results_that_cannot_be_written_are_an_error(tasks, tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(OSError, match="store"):
        run(sweep_of(tasks.fails, tmp_path, [0]), tmp_path / "store", in_process)


def test_no_half_result_stays_when_writing_fails(tasks, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        run(sweep_of(tasks.fails, tmp_path, [0]), tmp_path / "store", in_process)
    assert list((tmp_path / "store").glob("*.json")) == []


def test_points_are_plain_and_differ():
    with pytest.raises(TypeError, match="lrs must be a plain value"):
        grid(lrs=[[0.1]])
    with pytest.raises(ValueError, match="differ"):
        Sweep(print, [Point((("seed", 1),))] * 2)
    assert str(grid(a=["b"], c=[None, 1.5])[1]) == "a='b', c=1.5"


def test_dask_is_not_imported_unless_a_scheduler_is_named(monkeypatch):
    program = (
        "import sys, rmsprop.studies, rmsprop.experiments.engines as e\n"
        "with e.choose_engine()() as executor:\n"
        "    assert executor.submit(abs, -1).result() == 1\n"
        "assert not {'dask', 'distributed'} & {*sys.modules}"
    )
    environment = {k: v for k, v in os.environ.items() if k != "RMSPROP_SCHEDULER"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    monkeypatch.setenv("RMSPROP_SCHEDULER", "tcp://127.0.0.1:1")
    assert choose_engine() is dask


# The code of a task.

PACKAGE = {
    "__init__": "from swept.middle import middle\n",
    "middle": '''
        """A module."""
        from functools import partial
        from swept import constants
        from swept.base import Base as Renamed

        UNUSED = 1
        ALSO_UNUSED = [x + 7 for x in range(3)]

        def middle(x: int) -> int:
            """Say what."""
            from swept.inner import inner
            x = inner(x)
            return Renamed(x).value() + constants.SCALE * TABLE["a"](x)

        def unused():
            return 2

        TABLE = {"a": partial(pow, 2)}
    ''',
    "base": """
        class Root:
            def value(self):
                return self.x + 1

        class Base(Root):
            def __init__(self, x):
                self.x = x
    """,
    "constants": "SCALE = 3\nOTHER = 4\n",
    "inner": """
        def inner(x):
            return x + 5 if x else f"{', '.join('ab🫨')!r:>{x}}"
    """,
}


def digest_of(folder, changes=()):
    """Return the digest that a new process gives, which has imported nothing before."""
    (folder / "swept").mkdir(exist_ok=True)
    for name, text in PACKAGE.items():
        text = textwrap.dedent(text)
        for module, old, new in changes:
            assert module != name or old in text
            text = text.replace(old, new) if module == name else text
        (folder / "swept" / f"{name}.py").write_text(text)
    program = (
        "from swept import middle\nfrom rmsprop.experiments.closure import code_digest\n"
        "print(code_digest(middle.middle if hasattr(middle, 'middle') else middle))"
    )
    environment = os.environ | {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("changed", "change"),
    [
        (True, ("middle", "+ constants", "- constants")),
        (True, ("middle", "partial(pow, 2)", "partial(pow, 3)")),
        (True, ("base", "self.x + 1", "self.x + 2")),
        (True, ("constants", "SCALE = 3", "SCALE = 4")),
        (True, ("inner", "x + 5", "x + 6")),
        (False, ("constants", "OTHER = 4", "OTHER = 5")),
        (False, ("middle", "return 2", "return 3")),
        (False, ("middle", "x + 7", "x + 8")),
        (False, ("middle", "Say what.", "Say more.")),
        (False, ("middle", "x: int", "x: float")),
        (False, ("base", "class Base", "# Said.\nclass Base")),
    ],
)
def test_a_digest_changes_with_the_code_that_is_reached_and_no_other(tmp_path, changed, change):
    assert (digest_of(tmp_path) != digest_of(tmp_path, [change])) == changed


def test_a_digest_is_the_same_in_every_version_of_python(tmp_path):
    expected = b"a5aec85b0f41dfdf927e69a5948e5d8fae567b95d9785da6401aff8e9332adff\n"
    assert digest_of(tmp_path) == expected


def test_a_digest_is_that_of_something_importable():
    with pytest.raises(ValueError, match="top of a module"):
        code_digest(lambda: 1)


def test_digits_rest_on_the_update_rule_but_not_on_the_optimizer(monkeypatch):
    """The closure goes through the rule, which is chosen at run time, to the arithmetic."""
    from rmsprop.experiments import closure
    from rmsprop.studies import digits_study

    seen = {}
    closure._visit(digits_study.__name__, "task", seen)
    assert "rmsprop.equations.arithmetic.step" in seen
    assert "rmsprop.experiments.networks._hidden" in seen
    assert not any(name.startswith(("rmsprop.optimizer", "rmsprop.records")) for name in seen)


def test_keys_hold_versions(monkeypatch, tasks, tmp_path):
    from rmsprop.experiments import sweep as module

    sweep = sweep_of(tasks.fails, tmp_path, [0])
    before = sweep.key(sweep.points[0])
    monkeypatch.setattr(module, "_version", partial(str.upper))
    assert sweep_of(tasks.fails, tmp_path, [0]).key(sweep.points[0]) != before


def test_keys_hold_the_kernels_that_sums_are_made_with(tasks, tmp_path, monkeypatch):
    from rmsprop.experiments import sweep as module

    keys = set()
    for architecture in ("Haswell", "SkylakeX", "Haswell"):
        monkeypatch.setattr(module, "threadpool_info", lambda a=architecture: [{"architecture": a}])
        sweep = sweep_of(tasks.fails, tmp_path, [0])
        keys.add(sweep.key(sweep.points[0]))
    assert len(keys) == 2


def test_tasks_return_columns_of_one_length(tasks, tmp_path):
    result = run(sweep_of(tasks.products, tmp_path, [0, 1]), tmp_path / "store", in_process)
    assert all(len(values) == 6 for values in result.values())
    assert isinstance(result["x"], np.ndarray)
