"""Every snippet of the page "In your training loop" runs as it stands, and does what is said."""

import copy
import functools
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

import rmsprop
from tests import memory

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book" / "training-loop.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
SNIPPETS = {
    title: snippet
    for title, section in SECTIONS.items()
    for snippet in re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a snippet in a folder of its own; return its names."""
    monkeypatch.chdir(tmp_path)

    def run_snippet(title, edit=lambda snippet: snippet):
        torch.manual_seed(0)
        names = {"__name__": "snippet"}
        exec(compile(edit(SNIPPETS[title]), f"<{title}>", "exec"), names)
        return names

    return run_snippet


def params_of(names):
    return [param.detach() for param in names["model"].parameters()]


def replaced(old, new):
    def edit(snippet):
        assert old in snippet
        return snippet.replace(old, new)

    return edit


def assert_close(ours, theirs):
    torch.testing.assert_close(params_of(ours), params_of(theirs), rtol=1e-5, atol=1e-6)


def test_every_section_has_a_snippet_and_every_snippet_a_test():
    assert len(SNIPPETS) == len(SECTIONS) == PAGE.count("```python")
    tests = Path(__file__).read_text()
    assert [title for title in SNIPPETS if f'"{title}"' not in tests] == []


@pytest.mark.parametrize("title", ["In place of torch.optim.RMSprop", "Schedulers"])
def test_it_ends_where_torchs_own_does(run, title):
    assert_close(run(title), run(title, replaced("from rmsprop", "from torch.optim")))


def test_a_convention_sets_what_the_framework_means(run):
    names = run("With the meaning of another framework")
    means = rmsprop.conventions.keras() | {"lr": 1e-4}
    assert names["optimizer"].defaults | means == names["optimizer"].defaults
    section = SECTIONS["With the meaning of another framework"]
    assert set(re.findall(r'"(\w+)"', section)) == set(rmsprop.conventions.CONVENTIONS)


def test_a_step_with_an_infinite_gradient_is_skipped(run):
    names = run("Mixed precision")
    model, optimizer, scaler = (names[name] for name in ("model", "optimizer", "scaler"))
    before = copy.deepcopy([*model.parameters(), *optimizer.state.values()])
    scaler.scale(model(names["batch"]).sum()).backward()
    model.weight.grad[0, 0] = torch.inf
    scaler.step(optimizer)
    after = [*model.parameters(), *optimizer.state.values()]
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_a_fused_step_needs_no_unscaled_gradients(run):
    def without_clipping(snippet):
        kept = (line for line in snippet.splitlines() if "clip" not in line)
        return "\n".join(kept)

    fused = replaced("lr=1e-3", "lr=1e-3, fused=True")
    plain = replaced("scaler.step", "scaler.unscale_(optimizer); scaler.step")
    title = "Mixed precision"
    assert "unscale_" not in without_clipping(SNIPPETS[title])
    assert_close(
        run(title, lambda snippet: fused(without_clipping(snippet))),
        run(title, lambda snippet: plain(without_clipping(snippet))),
    )


def test_averages_of_low_precision_are_float32_and_small_steps_are_lost(run):
    names = run("Parameters in bfloat16 or float16")
    for param, state in names["optimizer"].state.items():
        assert (param.dtype, state["square_avg"].dtype) == (torch.bfloat16, torch.float32)
    for dtype, moves in ((torch.bfloat16, False), (torch.float32, True)):
        weight = torch.nn.Parameter(torch.ones(1, dtype=dtype))
        weight.grad = torch.ones_like(weight)
        rmsprop.RMSprop([weight], lr=0.001, alpha=0).step()
        assert (weight.item() != 1) == moves


def test_state_in_bfloat16_takes_half_the_memory_and_repeats(run):
    ours, again = (run("State in bfloat16") for _ in range(2))
    assert all(map(torch.equal, params_of(ours), params_of(again)))
    wide = run("State in bfloat16", replaced(", state_dtype=torch.bfloat16", ""))
    states = [names["optimizer"].state.values() for names in (ours, wide)]
    narrow_bytes, wide_bytes = (sum(s["square_avg"].nbytes for s in state) for state in states)
    assert 2 * narrow_bytes == wide_bytes
    torch.testing.assert_close(params_of(ours), params_of(wide), rtol=0, atol=1e-3)


def test_the_loss_hovers_as_far_above_its_minimum_as_is_printed(run, capsys):
    title = "When to let the rate decay"
    mean = "    mean += loss.item() / window\n"
    above = "(model.weight - 1).square().sum() + model.bias.square().sum()"
    keep = f"    above = globals().setdefault('above', []) + [({above}).item()]\n"
    names = run(title, replaced(mean, mean + keep))
    printed = re.findall(r"step (\d+): loss ([\d.]+), ([\d.]+) of it", capsys.readouterr().out)
    assert [int(step) for step, *_ in printed] == [*range(500, 4001, 500)]
    floors = [float(floor) for *_, floor in printed[2:]]
    hovering = sum(names["above"][1000:]) / 3000
    assert hovering == pytest.approx(sum(floors) / len(floors), rel=0.15)
    assert float(printed[-1][1]) == pytest.approx(1 + hovering, rel=0.05)


def test_groups_have_their_own_options_and_the_arguments(run):
    groups = run("Parameter groups")["optimizer"].param_groups
    options = [tuple(group[name] for name in ("lr", "momentum", "alpha")) for group in groups]
    assert options == [(1e-4, 0, 0.99), (1e-3, 0.9, 0.99), (1e-3, 0, 0.9)]


def test_decay_shrinks_the_weights_and_leaves_the_bias(run):
    names = run("Decoupled weight decay")
    model = names["model"]
    weight, bias = copy.deepcopy(params_of(names))
    for param in model.parameters():
        param.grad = torch.zeros_like(param)
    names["optimizer"].step()
    torch.testing.assert_close(model.weight.detach(), weight * (1 - 1e-3 * 0.01))
    torch.testing.assert_close(model.bias.detach(), bias, rtol=0, atol=0)


def test_a_checkpoint_keeps_options_and_averages_both_ways(run):
    names = run("Checkpoints, from torch and back")
    ours, theirs = names["optimizer"], names["theirs"]
    for optimizer in (ours, theirs):
        (group,) = optimizer.param_groups
        assert (group["lr"], group["momentum"]) == (1e-3, 0.9)
    for param in names["model"].parameters():
        assert ours.state[param]["step"] == 2
        torch.testing.assert_close(theirs.state[param], ours.state[param], rtol=0, atol=0)
    theirs.step()


def test_it_is_compiled_once_and_steps_as_it_does_without(run, monkeypatch):
    def compiled(edit=lambda snippet: snippet):
        torch._dynamo.reset()
        counter = CompileCounterWithBackend("aot_eager")  # which needs no compiler of C++
        monkeypatch.setattr(torch, "compile", functools.partial(compiler, backend=counter))
        return run("torch.compile", edit), counter.frame_count

    compiler = torch.compile
    names, count = compiled()
    assert count == 1
    assert_close(
        names, run("torch.compile", replaced("torch.compile(optimizer.step)", "optimizer.step"))
    )
    few = replaced("randn(100, 32, 4)", "randn(3, 32, 4)")
    _, count = compiled(lambda snippet: few(replaced("torch.tensor(1e-2)", "1e-2")(snippet)))
    assert count >= 3


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")
@pytest.mark.parametrize(
    "title",
    [
        "Data parallel",
        pytest.param(
            "Fully sharded",
            marks=pytest.mark.skipif(
                not hasattr(torch.cpu.Stream, "record_event"), reason="this torch shards on no CPU"
            ),
        ),
    ],
)
def test_processes_take_the_same_steps(title, tmp_path):
    end = "torch.distributed.destroy_process_group()"
    assert SNIPPETS[title].endswith(f"{end}\n")
    script = tmp_path / "train.py"
    script.write_text(SNIPPETS[title].replace(end, f"{COMPARE}{end}"))
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    here = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], env=here, capture_output=True, text=True, timeout=120
    )
    # A thread of PyTorch's may abort a process that has ended, whichever its optimizer.
    assert {file.name for file in tmp_path.glob("alike-*")} == {"alike-0", "alike-1"}, done.stderr


COMPARE = """
from pathlib import Path

for param in model.parameters():
    state = optimizer.state[param]["square_avg"]
    for tensor in (param.detach(), state):
        assert type(tensor) is type(param.detach())
        whole = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        others = [torch.empty_like(whole) for _ in range(2)]
        torch.distributed.all_gather(others, whole)
        assert torch.equal(*others)
        assert torch.distributed.get_world_size() == 2
Path(__file__).with_name(f"alike-{torch.distributed.get_rank()}").touch()
torch.distributed.barrier()
"""


def test_stepping_during_the_backward_pass_frees_every_gradient_at_once(run):
    title = "Stepping during the backward pass"
    names = run(title)
    one = "optimizer = RMSprop(model.parameters(), lr=1e-3)\nfor batch"
    assert_close(names, run(title, lambda snippet: plain_loop(snippet, one)))
    params, held = [*names["model"].parameters()], []
    for param in params:
        param.register_post_accumulate_grad_hook(
            lambda _: held.append([p.grad is not None for p in params])
        )
    names["model"](names["batch"]).sum().backward()
    assert len(held) == len(params)
    assert not any(map(any, held))


def stepping_after(model, batch):
    optimizer = rmsprop.RMSprop(model.parameters(), fused=True)

    def iteration():
        model(batch).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return iteration


def stepping_during(model, batch):
    optimizers = {param: rmsprop.RMSprop([param], fused=True) for param in model.parameters()}

    def step(param):
        optimizers[param].step()
        optimizers[param].zero_grad()

    for param in model.parameters():
        param.register_post_accumulate_grad_hook(step)
    return lambda: model(batch).sum().backward()


def test_stepping_during_the_backward_pass_needs_the_memory_that_is_said():
    section = SECTIONS["Stepping during the backward pass"]
    layers, width = map(int, re.search(r"(\d+) layers with (\d+) × \2 weights", section).groups())
    batch = torch.randn(int(re.search(r"batches of (\d+)", section)[1]), width)
    peaks, ends = [], []
    for prepare in (stepping_during, stepping_after):
        torch.manual_seed(0)
        parts = [(torch.nn.Linear(width, width), torch.nn.Tanh()) for _ in range(layers)]
        model = torch.nn.Sequential(*chain(*parts))
        iteration = prepare(model, batch)
        iteration()  # makes the averages
        peaks.append(memory.peak_of(iteration))
        ends.append([*model.parameters()])
    averages_too = 2 * sum(param.nbytes for param in model.parameters())
    said = re.findall(r"([\d.]+) MB", section)
    assert said == [f"{size / 1e6:.1f}" for size in (*peaks, averages_too)]
    torch.testing.assert_close(*ends, rtol=0, atol=0)


def plain_loop(snippet, one):
    model, loop = snippet.partition("optimizers =")[0], snippet.partition("for batch")[2]
    return f"{model}{one}{loop}    optimizer.step()\n    optimizer.zero_grad()\n"
