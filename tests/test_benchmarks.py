"""The benchmarks time what they say, and what was recorded can be read."""

import contextlib
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import ahead, arithmetic, chunks, contenders, machine, sets, streaming, timing
from benchmarks.measure import COLD, MOVED, make_params
from benchmarks.recordings import Recording, ahead_seconds, chunk_seconds, recordings
from rmsprop.kernels import cuda, instructions, numba_step

ROOT = Path(__file__).parents[1]
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "tensors", "elements"),
    [
        ("1 x 25M", 1, 25_000_000),
        # as torchvision and Hugging Face count the models' parameters
        ("ResNet-50", 161, 25_557_032),
        ("GPT-2 small", 148, 124_439_808),
        ("1,000 x 1,000", 1000, 1_000_000),
    ],
)
def test_sets_have_the_sizes_of_the_models(name, tensors, elements):
    shapes = sets.SETS[name]
    assert (len(shapes), sum(map(math.prod, shapes))) == (tensors, elements)


@pytest.mark.parametrize("variant", contenders.VARIANTS)
def test_contenders_take_the_same_step(variant):
    results = {}
    for name in ("rmsprop fused", "rmsprop bfloat16", "torch for-loop", "torch foreach"):
        params = make_params([(30,), (4, 5)], CPU)
        step = contenders.contenders(params, variant)[name]()
        step()
        step()
        results[name] = params
    for name, params in results.items():
        # Of a step at rate 0.01 rounding to 8 digits changes less than a hundredth.
        close = {"rtol": 0, "atol": 2e-3} if "bfloat16" in name else {"rtol": 1e-4, "atol": 1e-5}
        for param, expected in zip(params, results["torch foreach"], strict=True):
            torch.testing.assert_close(param, expected, **close)


@pytest.mark.parametrize("accesses", [5, 7, 9])
def test_streaming_reads_and_writes_every_buffer(accesses):
    grad, *buffers = (torch.full((1024,), float(k)) for k in range(1, (accesses + 1) // 2 + 1))
    step = streaming._on_cpu(grad, buffers)
    step()
    assert 1 + 2 * len(buffers) == accesses
    for k, buffer in enumerate(buffers):
        assert torch.equal(buffer, torch.full((1024,), k + 3.0))


def test_streaming_reads_as_many_elements_as_there_are_up_to_a_multiple_of_32(monkeypatch):
    seen = []
    monkeypatch.setattr(streaming, "_on_cpu", lambda grad, buffers: seen.append((grad, *buffers)))
    streaming.stream(make_params([(30,), (3,)], CPU), 7)
    assert [len(tensor) for tensor in seen[0]] == [64] * 4
    # Else it would leave out what is beyond the last whole block.
    assert 32 % instructions.BLOCK == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_every_element_is_rooted_and_divided_until_it_settles(threads):
    """Where v = 1 + 1 / sqrt(v): the square of the plastic number, the root of p^3 = p + 1."""
    compute = arithmetic.roots_and_divisions(threads)
    assert compute.averages.size * arithmetic.REPEATED == threads * arithmetic.ROOTS
    compute()
    (plastic,) = (root.real for root in np.roots([1, 0, -1, -1]) if abs(root.imag) < 1e-9)
    np.testing.assert_allclose(compute.averages, plastic**2, rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("variant", contenders.VARIANTS)
def test_a_step_in_the_cache_takes_every_step(variant, threads, monkeypatch):
    """With averages of 1 every step goes as far, but for momentum."""
    monkeypatch.setattr(arithmetic, "AGAIN", 40)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    step = arithmetic.step_in_cache(variant, None)
    options, first = contenders.VARIANTS[variant], step.rows[0]
    param, decay = 0.0, options.get("weight_decay", 0)
    buffer = 0.0 if first.momentum_buffer is None else first.momentum_buffer[0].item()
    for _ in range(40):
        buffer = 1 + decay * param + options.get("momentum", 0) * buffer
        param -= 1e-3 * buffer
    step()
    assert len(step.rows) == arithmetic.PARTS * threads
    for row in step.rows:
        assert row.step == 1 + 40
        assert (row.average == 1).all()
        torch.testing.assert_close(row.param, torch.full_like(row.param, param))


def test_half_of_the_state_stays_in_the_cache_too(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    step = arithmetic.step_in_cache("centered", torch.bfloat16)
    step()
    assert {row.average.dtype for row in step.rows} == {torch.bfloat16}
    assert sum(row.param.numel() for row in step.rows) * arithmetic.AGAIN == arithmetic.STEPPED


def test_contenders_take_turns():
    calls = []
    steps = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = timing.interleave(steps, 3, CPU)
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}
    turns = [name for i, name in enumerate(calls) if i == 0 or calls[i - 1] != name]
    assert turns == ["a", "b"] * 4


def test_cold_steps_find_other_memory_in_the_caches(monkeypatch):
    monkeypatch.setattr(timing, "EVICTED_BYTES", 2**20)
    calls = []
    steps = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = timing.interleave_cold(steps, 3, CPU)
    assert calls == ["a", "b"] * 3
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_moved_gradients_are_elsewhere_and_of_the_same_values():
    params = make_params([(3,), (4, 5)], CPU)
    grads = [param.grad.clone() for param in params]
    seen = []
    step = timing.moving(lambda: seen.append([param.grad.data_ptr() for param in params]), params)
    for _ in range(4):
        step()
        assert all(map(torch.equal, grads, (param.grad for param in params)))
    assert seen[0] == seen[2] != seen[1] == seen[3]
    assert not {*seen[0]} & {*seen[1]}


def test_half_of_the_state_is_half_of_its_accesses():
    assert contenders.accesses("rmsprop fused", "all") == 9
    assert contenders.accesses("rmsprop bfloat16", "all") == 6
    assert contenders.accesses("torch fused Adam", "all") is None


def test_median_is_that_of_whole_blocks_after_the_first_step():
    calls = []

    def step():
        time.sleep(0.002 if calls else 0.2)
        calls.append(None)

    seconds = timing.median_seconds({"sleeper": step}, 3, CPU)
    assert 0.002 <= seconds["sleeper"] < 0.1
    assert len(calls) > 3 * 4  # the first step would fill a block


def test_extra_memory_is_that_of_the_temporaries():
    values = torch.ones(10_000_000)
    values.add_(1)
    extra = timing.peak_extra_memory(lambda: values * 2, CPU)
    if extra is None:
        pytest.skip("this system does not let a process forget its peak")
    assert extra == pytest.approx(4 * len(values), rel=0.1)
    assert timing.peak_extra_memory(lambda: values.mul_(2), CPU) < 1e6


def test_a_machine_is_described_and_named():
    described = machine.describe(CPU)
    assert described["versions"]["torch"] == torch.__version__
    assert (
        machine.slug({"type": "cpu", "device": "AMD EPYC (R)", "cores": 2}) == "amd-epyc-r-2-cores"
    )
    assert machine.slug({"type": "cuda", "device": "NVIDIA H200"}) == "nvidia-h200"


def test_table_shows_speed_and_ratios_of_rounds():
    ours = {"contender": "ours", "elements": 10**9, "accesses": 5, "seconds": [1, 2]}
    ours |= {"median_s": 1.5, "cold_seconds": [2, 3], "moved_seconds": [1, 4]}
    ours["queued_seconds"] = None
    adam = ours | {"contender": "Adam", "accesses": None, "seconds": [3, 4], "median_s": 3}
    adam |= {"cold_seconds": None, "moved_seconds": None}
    first, second = (" ".join(line.split()) for line in bench.table([ours, adam]))
    assert first == (
        "ours 1500.000 ms (1000.000 to 2000.000) 13.3 GB/s 1.00 2500.000 ms cold 2500.000 ms moved"
    )
    assert second == "Adam 3000.000 ms (3000.000 to 4000.000) 2.50"


def case(elements, *seconds):
    limit = {"contender": "streaming limit", "elements": elements, "accesses": 5}
    return [{"contender": "rmsprop fused", "elements": elements}, limit | {"seconds": seconds}]


def test_cases_are_disturbed_whose_memory_was_slow_in_some_round():
    large = 10_000_000
    measured = {
        ("calm", "a"): case(large, 1.0, 1.0, 1.1),
        ("twice as large", "a"): case(2 * large, 2.0, 2.0, 2.0),
        ("slow once", "a"): case(large, 1.0, 1.0, 1.3),
        ("slow", "a"): case(large, 1.3, 1.3, 1.3),
        ("in a cache", "a"): case(1000, 1.0, 1.0, 1.0),
    }
    assert bench.disturbed(measured) == [("slow once", "a"), ("slow", "a")]


@pytest.mark.parametrize("second", [1.0, 3.0])
def test_a_disturbed_case_is_measured_once_more_and_the_calmer_kept(second, tmp_path, monkeypatch):
    calls = iter([1.0, 2.0, second])
    monkeypatch.setattr(bench, "SETS", {"one": [], "other": []})
    monkeypatch.setattr(bench, "VARIANTS", ["a"])
    monkeypatch.setattr(bench, "measure_case", lambda *_: case(10_000_000, next(calls)))
    monkeypatch.setattr(bench, "in_new_process", lambda *_: [])
    bench.main(tmp_path)
    (file,) = tmp_path.iterdir()
    results = json.loads(file.read_text())["results"]
    assert [r["seconds"] for r in results if "seconds" in r] == [[1.0], [min(2.0, second)]]


def test_results_are_replaced_whole(tmp_path):
    path = tmp_path / "results" / "machine.json"
    bench.write(path, {"a": 1})
    with pytest.raises(TypeError):
        bench.write(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in path.parent.iterdir()] == ["machine.json"]


@pytest.mark.skipif(
    any(character in torch.__file__ + tempfile.gettempdir() for character in " '\""),
    reason="torch.compile calls its compiler without quoting paths",
)
def test_a_run_of_the_benchmarks_writes_what_it_measured(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(bench, "SETS", {"tiny": [(3,), (4, 5)]})
    monkeypatch.setattr(bench, "VARIANTS", ["uncentered"])
    bench.main(tmp_path)
    (file,) = tmp_path.iterdir()
    results = {r["contender"]: r for r in json.loads(file.read_text())["results"]}
    expected = contenders.contenders(make_params([(3,)], CPU), "uncentered").keys()
    assert results.keys() == expected
    for result in results.values():
        assert (result["set"], result["variant"]) == ("tiny", "uncentered")
        assert (result["tensors"], result["elements"]) == (2, 23)
        assert min(*result["seconds"], result["first_step_s"]) > 0
        assert (result["cold_seconds"] is not None) == (result["contender"] in COLD)
        assert (result["moved_seconds"] is not None) == (result["contender"] in MOVED)
        assert result["queued_seconds"] is None
    assert "[1/1] tiny, uncentered" in capfd.readouterr().out
    (recording,) = [Recording(json.loads(file.read_text()))]
    for contender in ("rmsprop fused", "torch foreach", "torch for-loop", "streaming limit"):
        ratios = recording.over_uncentered("tiny", "centered", contender)
        assert len(ratios) == recording.rounds


def test_recordings_have_what_the_chapter_reads():
    on_cpus = [recording for recording in recordings(ROOT) if recording.type == "cpu"]
    assert len(on_cpus) >= 2
    for recording in on_cpus:
        assert recording.sets == list(sets.SETS)
        for name in sets.SETS:
            for variant in contenders.VARIANTS:
                seconds = recording.value("seconds", name, variant, "rmsprop fused")
                assert len(seconds) == recording.rounds
                median = recording.median(name, variant, "rmsprop fused")
                assert 0 < min(seconds) <= median <= max(seconds)
        assert recording.median("1 x 25M", "uncentered", "nobody") is None
    cold = on_cpus[-1].over_fused("1 x 25M", "centered", "torch foreach", field="cold_seconds")
    assert (cold > 1).all()
    with pytest.raises(KeyError):
        on_cpus[-1].over_fused("1 x 25M", "centered", "torch foreach", field="cold")


def test_the_kernel_takes_chunks_that_were_measured():
    measured = chunk_seconds(ROOT)
    assert {variant for variant, _ in measured} == {*contenders.VARIANTS}
    for seconds in measured.values():
        assert {*seconds} == {*chunks.PAIRS}
        assert seconds[cuda.CHUNK, cuda.WARPS] < 1.02 * min(seconds.values())


def test_the_kernel_asks_as_far_ahead_as_was_measured():
    measured = ahead_seconds(ROOT)
    assert {variant for variant, _ in measured} == {*contenders.VARIANTS}
    for seconds in measured.values():
        assert {*seconds} == {*ahead.DISTANCES}
        medians = {distance: statistics.median(each) for distance, each in seconds.items()}
        assert medians[numba_step.AHEAD] < 1.05 * min(medians.values())


def test_other_distances_are_timed(monkeypatch, tmp_path):
    monkeypatch.setattr(ahead, "DISTANCES", (0, 256))
    monkeypatch.setattr(ahead, "VARIANTS", {"momentum": {"momentum": 0.9}})
    monkeypatch.setattr(ahead, "ELEMENTS", 100_000)
    monkeypatch.setattr(ahead, "ROUNDS", 2)
    ahead.main(tmp_path / "ahead.json")
    results = json.loads((tmp_path / "ahead.json").read_text())["results"]
    assert [(r["contender"], r["ahead"]) for r in results] == [
        (contender, distance)
        for contender in ("rmsprop fused", "rmsprop bfloat16")
        for distance in (0, 256)
    ]
    assert all(len(r["seconds"]) == 2 for r in results)
    assert numba_step.AHEAD == 512


def test_recording_compares_the_fastest_with_the_fused_step_round_by_round():
    seconds = {"rmsprop fused": [1, 2], "loop": [2, 8], "foreach": [3, 4]}
    recording = Recording(
        {
            "date": "2026-01-01",
            "machine": {"device": "one", "type": "cuda", "versions": {}},
            "results": [
                {"set": "tiny", "variant": variant, "contender": who, "seconds": times}
                | {"cold_seconds": [time + 2 for time in times] if who != "foreach" else None}
                for variant in ("centered", "uncentered")
                for who, times in seconds.items()
            ],
            "variants": [],
        }
    )
    assert recording.cases == [("tiny", "centered"), ("tiny", "uncentered")]
    assert recording.over_fused("tiny", "centered", "loop", "foreach").tolist() == [2, 2]
    assert recording.over_fused("tiny", "centered", "loop").tolist() == [2, 4]
    assert recording.over_fused("tiny", "centered", "loop", "nobody") is None
    assert recording.over_fused("tiny", "centered", "loop", field="cold_seconds").tolist() == [
        4 / 3,
        2.5,
    ]
    assert recording.over_fused("tiny", "centered", "foreach", field="cold_seconds") is None


def test_variants_are_compared_where_they_took_turns():
    machine = {"device": "one", "type": "cuda", "versions": {}}
    result = {"set": "tiny", "contender": "loop", "variant": "uncentered", "seconds": [2, 4]}
    turns = [result, result | {"variant": "centered", "seconds": [3, 8]}]
    recording = Recording({"date": "", "machine": machine, "results": [result], "variants": turns})
    assert recording.over_uncentered("tiny", "centered", "loop").tolist() == [1.5, 2]


def test_where_nothing_was_recorded_there_is_no_recording(tmp_path):
    assert recordings(tmp_path) == []


class Clock:
    """In the place of a GPU that sleeps 20 ms and then does each call in 1 ms."""

    now = done = 0.0

    def __init__(self, **_):
        self.at = None

    def record(self):
        self.at = Clock.done

    def query(self):
        return Clock.now >= self.at

    def synchronize(self):
        Clock.now = max(Clock.now, self.at)

    def elapsed_time(self, end):
        return end.at - self.at


def test_whose_python_outlasts_the_other_work_is_not_in_the_queue(monkeypatch):
    def sleep(_):
        Clock.done = max(Clock.now, Clock.done) + 20

    def taking(ms):
        def step():
            Clock.now += ms
            Clock.done = max(Clock.now, Clock.done) + 1

        return step

    monkeypatch.setattr(torch.cuda, "Event", Clock)
    monkeypatch.setattr(torch.cuda, "_sleep", sleep)
    monkeypatch.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
    queued = timing.interleave_queued({"quick": taking(3), "slow": taking(5)}, 2, CPU)
    assert queued == {"quick": [pytest.approx(1e-3)] * 2}


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.gpu
@needs_cuda
def test_what_waits_in_a_queue_is_timed_without_its_python():
    values = torch.zeros(25_000_000, device="cuda")

    def step():
        time.sleep(1e-3)
        values.add_(1)

    device = values.device
    (alone,) = timing.interleave({"add": step}, 3, device).values()
    (queued,) = timing.interleave_queued({"add": step}, 3, device).values()
    assert min(alone) > 1e-3
    assert 1e-5 < max(queued) < 5e-4
    assert values[0] > 15


@pytest.mark.gpu
@needs_cuda
def test_chunks_of_other_sizes_are_timed(monkeypatch, tmp_path):
    monkeypatch.setattr(chunks, "PAIRS", [(512, 4), (2048, 8)])
    monkeypatch.setattr(chunks, "VARIANTS", ["centered"])
    monkeypatch.setattr(chunks, "ELEMENTS", 1_000_000)
    chunks.main(tmp_path / "chunks.json")
    results = json.loads((tmp_path / "chunks.json").read_text())["results"]
    assert [(r["chunk"], r["contender"]) for r in results] == [
        (chunk, contender)
        for contender in ("rmsprop fused", "rmsprop bfloat16")
        for chunk in (512, 2048)
    ]
    assert all(1e-6 < r["seconds"] < 1e-2 for r in results)
    assert (cuda.CHUNK, cuda.WARPS) == (1024, 4)
