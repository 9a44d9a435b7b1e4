"""Ctrl-C and other exceptions in the middle of a step: nothing is written afterwards, nor stale."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch.nn import Parameter

from rmsprop import RMSprop, plan
from rmsprop.kernels import cpu, threads
from rmsprop.kernels.batch import Batch
from rmsprop.kernels.threads import in_threads

N = 200_000
# What a handler raises is lost where it finds the collector calling back, as Hypothesis has it do.
lost_in_the_collector = pytest.mark.filterwarnings(
    "ignore:.*gc_cumulative_time:pytest.PytestUnraisableExceptionWarning"
)
needs_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a POSIX system")


class Interrupt(Exception):
    """What the handler of a signal raises."""


@pytest.fixture
def interrupts():
    """Let a signal raise, and stop it afterwards."""

    def handler(*_):
        raise Interrupt

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    # Torch's own wrapper of steps may have been interrupted before it switched this on again.
    torch.set_grad_enabled(True)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Let Ctrl-C raise, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call, code, event="call"):
    """Call something, with Ctrl-C where this code begins or returns."""

    def local(frame, happened, _):
        if happened == "return":
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return local

    def trace(frame, _, __):
        if frame.f_code is not code:
            return None
        if event == "return":
            return local
        sys.settrace(None)
        signal.raise_signal(signal.SIGINT)
        return None

    sys.settrace(trace)
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
    finally:
        sys.settrace(None)


def shortest(call):
    times = []
    for _ in range(10):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def stepped(n=N, **options):
    param = Parameter(torch.zeros(n))
    param.grad = torch.ones(n)
    optimizer = RMSprop([param], lr=0.1, alpha=0.0, **options)
    optimizer.step()
    return param, optimizer


def test_gradient_that_moved_before_an_interrupt_is_the_one_that_is_used():
    param, optimizer = stepped()
    keep = param.grad  # so that the address of before stays readable
    param.grad = -torch.ones(N)
    interrupted(optimizer.step, Batch.with_grads.__code__)
    before = param[0].item()
    optimizer.step()
    assert param[0].item() == pytest.approx(before + 0.1, abs=1e-6)
    assert torch.equal(keep, torch.ones(N))


def test_parameter_that_moved_before_an_interrupt_is_the_one_that_is_stepped():
    param, optimizer = stepped()
    left = param.data
    param.data = torch.full((N,), 5.0)
    interrupted(optimizer.step, plan._gather.__code__)
    before, before_step = left.clone(), param[0].item()
    optimizer.step()
    assert torch.equal(left, before)
    assert param[0].item() == pytest.approx(before_step - 0.1, abs=1e-6)


def test_autograd_knows_of_a_step_that_was_interrupted_when_it_was_done(monkeypatch):
    param, optimizer = stepped()
    loss = (param * param).sum()
    param.grad = torch.ones(N)
    monkeypatch.setattr(threads, "_crew", threads._Crew())  # nobody else tells it
    monkeypatch.setattr(threads._crew, "grown_to", lambda size: 0)
    work = next(c for c in cpu.step.__code__.co_consts if getattr(c, "co_name", "") == "work")
    interrupted(optimizer.step, work, "return")
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@lost_in_the_collector
@needs_timer
def test_nothing_changes_after_an_interrupted_step(interrupts):
    param, optimizer = stepped(4_000_000, momentum=0.9)
    took = shortest(optimizer.step)
    seen, rng = 0, random.Random(0)
    sample = param.detach()[::997]
    for _ in range(400):
        if seen > 20:
            break
        version = param._version
        before = sample.clone()
        try:
            signal.setitimer(signal.ITIMER_REAL, took * rng.uniform(0.3, 1.3))
            optimizer.step()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupt:
            seen += 1
            after = sample.clone()
            time.sleep(2 * took)
            assert torch.equal(sample, after)
            assert torch.equal(before, after) or param._version > version
    assert seen > 20


@lost_in_the_collector
@needs_timer
def test_interrupts_leave_no_stale_addresses(interrupts):
    params = [Parameter(torch.zeros(64)) for _ in range(300)]
    optimizer = RMSprop(params, lr=0.1, alpha=0.0)
    rng = random.Random(0)
    for param in params:
        param.grad = torch.ones(64)
    took = shortest(optimizer.step)
    for _ in range(150):
        left = [param.data for param in params]
        for param in params:
            param.data, param.grad = torch.zeros(64), torch.ones(64)
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 2 * took))
            optimizer.step()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupt:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        before = [memory.clone() for memory in left]
        optimizer.step()
        assert all(map(torch.equal, left, before))


def test_one_who_waits_for_nobody_does_all_the_work():
    occupied = threading.Event()
    threads._crew.grown_to(1)
    threads._crew.calls.put(occupied.wait)
    called = []
    try:
        in_threads(called.append, 2, lambda: called.append("aside"))
        assert called == [True, "aside"]
    finally:
        occupied.set()


def test_an_error_of_the_work_is_raised_and_the_aside_done():
    called = []

    def fails(is_host):
        if is_host:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_threads(fails, 2, lambda: called.append("aside"))
    assert called == ["aside"]


def test_guests_survive_what_their_work_raises():
    def work(is_host):
        if not is_host:
            raise ValueError("a guest's own")

    for _ in range(5):
        in_threads(work, 2, lambda: None)
    alive = threading.Event()
    threads._crew.grown_to(1)
    threads._crew.calls.put(alive.set)
    assert alive.wait(10)


ALONE = """
import threading, torch
from rmsprop import RMSprop
from rmsprop.kernels.threads import _crew
torch.set_num_threads(2)
w = torch.nn.Parameter(torch.zeros(200_000))
w.grad = torch.ones(200_000)
before = threading.enumerate()
RMSprop([w]).step()
print(_crew.grown_to(1), len(set(threading.enumerate()) - set(before)))
"""


def test_threads_of_steps_are_nobodys_to_join():
    # In a process of its own: other tests start threads, too.
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.stdout == "1 0\n", done.stderr


TWO_THREADS = """
import threading, torch
from rmsprop import RMSprop, plan
w = torch.nn.Parameter(torch.zeros(200_000))
w.grad = torch.ones(200_000)
optimizer = RMSprop([w], lr=0.1, alpha=0.0)
optimizer.step()
mine = -torch.ones(200_000)
w.grad = mine
followed = plan.Batches.follow
def follow(self, columns):
    result = followed(self, columns)
    if threading.current_thread() is threading.main_thread():  # another one's step comes between
        keep = w.grad
        w.grad = torch.full((200_000,), torch.nan)
        columns = plan.Columns(columns.fields, (*columns.tensors[:-1], w.grad))
        thread = threading.Thread(target=followed, args=(self, columns))
        thread.start(); thread.join()
        w.grad = keep
    return result
plan.Batches.follow = follow
optimizer.step()
print(w[0].item())
"""


def test_the_gradients_of_a_step_are_those_that_its_own_thread_saw():
    done = subprocess.run([sys.executable, "-c", TWO_THREADS], capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(0.0, abs=1e-6), done.stderr


AT_EXIT = """
import gc, os, torch
from rmsprop import RMSprop
class Trainer:
    def __init__(self):
        self.param = torch.nn.Parameter(torch.zeros(200_000))
        self.param.grad = torch.ones(200_000)
        self.optimizer = RMSprop([self.param], lr=0.1, alpha=0.0)
        self.cycle = self
    def __del__(self, write=os.write):
        self.optimizer.step()
        write(1, b"stepped\\n")
torch.set_num_threads({threads})
trainer = Trainer()
for _ in range({steps}):
    trainer.optimizer.step()
torch.set_num_threads(2)
gc.collect()
del trainer  # which is in a cycle
"""


@pytest.mark.parametrize(("steps", "threads"), [(0, 2), (1, 1), (2, 2)])
def test_a_step_while_the_interpreter_ends(steps, threads):
    code = AT_EXIT.format(steps=steps, threads=threads)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "stepped\n"), done.stderr


FORK = """
import os, threading, time, torch
from rmsprop import RMSprop
def made():
    w = torch.nn.Parameter(torch.zeros(200_000))
    w.grad = torch.ones(200_000)
    return RMSprop([w])
torch.set_num_threads(1)
here, there = made(), made()  # which imports what torch itself imports late
thread = threading.Thread(target=there.step)
thread.start()
time.sleep({delay})
child = os.fork()
if child == 0:
    here.step()
    os._exit(0)
thread.join()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
@pytest.mark.parametrize("delay", [0.02, 0.3])
def test_a_child_forked_during_the_first_step_of_another_thread_steps(delay):
    command = [sys.executable, "-W", "ignore", "-c", FORK.format(delay=delay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_thread_treats_denormals_as_the_one_that_steps():
    param = Parameter(torch.ones(1_000_000))
    optimizer = RMSprop([param], lr=0.0)
    param.grad = torch.ones_like(param)
    optimizer.step()
    average = optimizer.state[param]["square_avg"]
    flushed = []
    try:
        for mode in (True, False) * 5:
            average.zero_()
            param.grad = torch.full_like(param, 2e-20)  # the average becomes 4e-42
            if not torch.set_flush_denormal(mode):
                pytest.skip("needs a processor that can flush denormals")
            optimizer.step()
            torch.set_flush_denormal(False)
            flushed.append((average == 0).sum().item())
    finally:
        torch.set_flush_denormal(False)
    assert flushed[1::2] == [0] * 5
    # Which torch fills in other threads, whose mode is their own.
    assert flushed[::2] == [len(param)] * 5
