"""Whatever anybody may do to tensors between two steps, at random, in two worlds at once.

In one world the optimizer is ours, which chooses what kernels step; in the other it is torch's own
loop, or our operations of torch where torch's class cannot follow. After every change each takes a
step, and both worlds must be the same, or both must refuse.

`python tests/mutations.py SEED EPISODES` runs as many sequences of changes; `--guarded` puts
tensors right before or behind memory that ends the process when it is touched, `--device cuda` onto
a GPU.
"""

import argparse
import copy
import ctypes
import gc
import mmap
import pickle
import random
from collections import Counter
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import Parameter

from rmsprop import RMSprop, plan
from rmsprop.kernels import cpu, cuda

PAGE = mmap.PAGESIZE
SHAPES = ((), (1,), (7,), (64,), (1, 5), (4, 6), (6, 1, 3), (2, 3, 2, 2), (0, 3), (3000,))
LONG = 12


class Memory:
    """Where new tensors lie: anywhere on a device, or beside pages that nobody may touch."""

    def __init__(self, guarded: bool, device: str) -> None:
        self.guarded = guarded
        self.device = device
        self._libc = ctypes.CDLL(None, use_errno=True)

    def place(self, tensor: Tensor, at_end: bool) -> Tensor:
        """Return a copy, which ends where a forbidden page starts, or starts where one ends."""
        size = tensor.numel() * tensor.itemsize
        if not self.guarded or size == 0:
            return tensor.clone().to(self.device)
        pages = -(-size // PAGE)
        region = mmap.mmap(-1, (pages + 2) * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(region))
        for page in (start, start + (pages + 1) * PAGE):
            assert self._libc.mprotect(ctypes.c_void_p(page), PAGE, 0) == 0
        offset = PAGE + (pages * PAGE - size if at_end else 0)
        copied = torch.frombuffer(region, dtype=tensor.dtype, count=tensor.numel(), offset=offset)
        return copied.view(tensor.shape).copy_(tensor)


class World:
    """An optimizer, its parameters, and what somebody does to them, by their own dice."""

    def __init__(self, optimizer_class, memory, seed, dtype, options):
        self.memory = memory
        self.dtype = dtype
        self.kept = []  # so that memory is freed now, and not when the next is asked for
        self.dice = random.Random(seed)
        params = [self.new_param() for _ in range(self.dice.randint(2, 6))]
        half = self.dice.randint(1, len(params) - 1)
        groups = [{"params": params[:half]}, {"params": params[half:], "alpha": 0.9}]
        self.optimizer = optimizer_class(groups, **options)

    @property
    def params(self):
        return [param for group in self.optimizer.param_groups for param in group["params"]]

    def random(self, shape, dtype=None):
        generator = torch.Generator().manual_seed(self.dice.getrandbits(40))
        values = torch.randn(shape, generator=generator, dtype=torch.float64)
        return self.memory.place(values.to(dtype or self.dtype), self.dice.random() < 0.5)

    def new_param(self, shape=None):
        return Parameter(self.random(self.dice.choice(SHAPES) if shape is None else shape))

    def any_param(self):
        return self.dice.choice(self.params)

    def any_state(self):
        """Return the state of a parameter that has any, the name of a buffer, and that buffer."""
        states = [s for s in map(self.optimizer.state.get, self.params) if s]
        if not states:
            return {}, "", torch.ones(())
        state = self.dice.choice(states)
        name = self.dice.choice(sorted(state.keys() - {"step"}))
        return state, name, state[name]

    def backward(self):
        """Give the parameters gradients, most of them new ones."""
        for param in self.params:
            if self.dice.random() < 0.1:
                param.grad = None
            elif param.grad is None or self.dice.random() < 0.8:
                # Where layouts differ autograd's gradients have the parameter's.
                grad = torch.empty_like(param, requires_grad=False, dtype=param.dtype)
                param.grad = grad.copy_(self.random(param.shape, param.dtype))
                if param.is_contiguous() and self.dice.random() < 0.8:
                    param.grad = self.random(param.shape, param.dtype)

    def replace(self, param, shape):
        """Put another parameter with state of its own shape in a parameter's place."""
        new = self.new_param(shape)
        for group in self.optimizer.param_groups:
            group["params"] = [new if p is param else p for p in group["params"]]
        state = self.optimizer.state.pop(param, None)
        if state:
            self.optimizer.state[new] = {
                name: value if name == "step" else self.random(shape, value.dtype).abs()
                for name, value in state.items()
            }


def lend_buffers(world):
    """Give state the momentum buffers that torch's class does not add to state that has none."""
    for group in world.optimizer.param_groups:
        for param in group["params"]:
            state = world.optimizer.state.get(param)
            if state and group["momentum"]:
                state.setdefault("momentum_buffer", torch.zeros_like(param))


def loads_alike(world):
    """Return whether ours loads this state as torch does: it checks shapes, and unshares memory."""
    buffers = [
        (value, param)
        for param in world.params
        for name, value in world.optimizer.state.get(param, {}).items()
        if name != "step"
    ]
    addresses = [value.data_ptr() for value, _ in buffers if value.numel()]
    fitting = all(value.shape == param.shape for value, param in buffers)
    return fitting and len({*addresses}) == len(addresses)


# --- changes ----------------------------------------------------------------------------------


def nothing(world):
    pass


def move(world):
    param = world.any_param()
    param.data = world.memory.place(param.data, world.dice.random() < 0.5)


def move_state(world):
    state, name, value = world.any_state()
    state[name] = world.memory.place(value, world.dice.random() < 0.5)


def move_state_within_its_object(world):
    _, _, value = world.any_state()
    value.data = world.memory.place(value, world.dice.random() < 0.5)


def replace_state_by_zeros(world):
    state, name, value = world.any_state()
    state[name] = torch.zeros_like(value)


def shorten_within_the_object(world):
    param = world.any_param()
    if param.dim() and len(param) > 1:
        param.data = param.data[: len(param) // 2]
        param.grad = None


def shorten_state_within_its_object(world):
    _, _, value = world.any_state()
    if value.dim() and len(value) > 1:
        value.data = value.data[: len(value) // 2]


def prune(world):
    param = world.any_param()
    if param.dim() and len(param) > 1:
        world.replace(param, (len(param) // 2, *param.shape[1:]))


def grow(world):
    param = world.any_param()
    if param.dim():
        world.replace(param, (2 * len(param) + 1, *param.shape[1:]))


def prune_many_times(world):
    """Memory that was freed is given out again, to tensors of other lengths."""
    for _ in range(5):
        prune(world)
        grow(world)


def turn(world):
    param = world.any_param()
    if param.dim() > 1:
        param.data = param.data.transpose(0, -1).contiguous().transpose(0, -1)


def turn_into_view(world):
    param = world.any_param()
    if param.dim() > 1:
        param.data = param.data.transpose(0, -1)
        param.grad = None


def turn_state(world):
    state, name, value = world.any_state()
    if value.dim() > 1:
        state[name] = value.transpose(0, -1).contiguous().transpose(0, -1)


def turn_gradient(world):
    param = world.any_param()
    if param.grad is not None and param.dim() > 1:
        param.grad = param.grad.transpose(0, -1).contiguous().transpose(0, -1)


def strides_of_single_elements(world):
    """They say nothing of where elements are, and libraries leave any number there."""
    param = world.any_param()
    if 1 in param.shape and param.is_contiguous():
        strides = [97 if n == 1 else s for n, s in zip(param.shape, param.stride(), strict=True)]
        param.grad = world.random(param.shape, param.dtype).as_strided(param.shape, strides)


def channels_last(world):
    for param in world.params:
        if param.dim() == 4:
            param.data = param.data.to(memory_format=torch.channels_last)


def leave_gaps(world):
    param = world.any_param()
    if param.dim() == 1:
        param.data = world.random((2 * len(param),), param.dtype)[::2]


def leave_gaps_everywhere(world):
    param = world.any_param()
    state = world.optimizer.state.get(param)
    if state and param.dim() == 1 and param.dtype == world.dtype:
        length = 2 * len(param)
        param.data = world.random((length,))[::2]
        param.grad = world.random((length,))[::2]
        for name in state.keys() - {"step"}:
            state[name] = world.random((length,)).abs()[::2]


def expand_gradient(world):
    param = world.any_param()
    param.grad = world.random((), param.dtype).expand(param.shape)


def cast(world):
    param = world.any_param()
    param.data = param.data.to(world.dice.choice([torch.float32, torch.float64]))
    param.grad = None


def cast_gradient(world):
    param = world.any_param()
    param.grad_dtype = None
    other = torch.float32 if param.dtype == torch.float64 else torch.float64
    param.grad = world.random(param.shape, other)


def negated_gradient(world):
    param = world.any_param()
    param.grad = torch._neg_view(world.random(param.shape, param.dtype))


def imaginary_gradient(world):
    param = world.any_param()
    pair = torch.view_as_complex(world.random((*param.shape, 2), param.dtype))
    param.grad = pair.conj().imag


def gradient_of_inference(world):
    param = world.any_param()
    with torch.inference_mode():
        param.grad = world.random(param.shape, param.dtype)


def misaligned_gradient(world):
    param = world.any_param()
    memory = bytearray(param.numel() * param.itemsize + 1)
    if param.numel() and param.dtype in (torch.float32, torch.float64) and not param.is_cuda:
        grad = torch.frombuffer(memory, dtype=param.dtype, count=param.numel(), offset=1)
        param.grad = grad.view(param.shape).copy_(world.random(param.shape, param.dtype))


def share_gradient(world):
    first, second = world.any_param(), world.any_param()
    if first.shape == second.shape and first.dtype == second.dtype:
        second.grad = first.grad


def gradient_in_another_parameter(world):
    first, second = world.any_param(), world.any_param()
    if first.shape == second.shape and first.dtype == second.dtype:
        second.grad = first.data


def share_parameter(world):
    first, second = world.any_param(), world.any_param()
    if first.shape == second.shape and first.dtype == second.dtype:
        second.data = first.data


def overlap(world):
    first, second = world.any_param(), world.any_param()
    if first.dim() == second.dim() == 1 and first.dtype == second.dtype:
        memory = world.random((len(first) + len(second),), first.dtype)
        first.data = memory[: len(first)]
        second.data = memory[len(first) // 2 :][: len(second)]
        first.grad = second.grad = None


def share_state(world):
    _, name, value = world.any_state()
    other, _, _ = world.any_state()
    if name in other and other[name].shape == value.shape:
        other[name] = value


def share_memory(world):
    _, _, value = world.any_state()
    if not world.memory.guarded:
        value.share_memory_()
        world.any_param().data.share_memory_()


def swap_data(world):
    first, second = world.any_param(), world.any_param()
    first.data, second.data = second.data, first.data
    first.grad = second.grad = None


def swap_tensors(world):
    first, second = world.any_param(), world.any_param()
    if first is not second:
        first.grad = second.grad = None
        torch.utils.swap_tensors(first, second)


def set_memory(world):
    param = world.any_param()
    param.data.set_(world.random(param.shape, param.dtype))


def set_memory_of_state(world):
    _, _, value = world.any_state()
    value.set_(world.random(value.shape, value.dtype).abs())


def resize(world):
    state, name, value = world.any_state()
    state[name] = value.new_ones(2 * value.numel() + 1)
    state[name].resize_(value.shape).fill_(1)


def flip_in_place(world):
    _, _, value = world.any_state()
    if value.dim() > 1:
        value.t_() if value.dim() == 2 else value.transpose_(0, -1)


def free(world):
    for param in world.params:
        param.grad = None
    world.kept = [world.random(world.dice.choice(SHAPES)) for _ in range(4)]


def freeze(world):
    param = world.any_param()
    param.requires_grad_(not param.requires_grad)
    param.grad = None


def forget_state(world):
    world.optimizer.state.pop(world.any_param(), None)


def reload(world):
    if not loads_alike(world):
        return
    world.optimizer.load_state_dict(copy.deepcopy(world.optimizer.state_dict()))


def pickled(world):
    if not loads_alike(world):
        return
    world.optimizer = pickle.loads(pickle.dumps(world.optimizer))


def copied(world):
    if not loads_alike(world):
        return
    world.optimizer = copy.deepcopy(world.optimizer)


def regroup(world):
    first, second = world.optimizer.param_groups
    if len(first["params"]) > 1:
        second["params"] = [*second["params"], first["params"][0]]
        first["params"] = first["params"][1:]
        lend_buffers(world)


def reorder(world):
    for group in world.optimizer.param_groups:
        world.dice.shuffle(group["params"])


def add(world):
    group = world.dice.choice(world.optimizer.param_groups)
    group["params"] = [*group["params"], world.new_param()]


def change_options(world):
    group = world.dice.choice(world.optimizer.param_groups)
    group["lr"] = world.dice.choice([0.01, 0.1, torch.tensor(0.05), torch.tensor([0.02])])
    group["weight_decay"] = world.dice.choice([0, 0.1])
    group["maximize"] = world.dice.random() < 0.5


def change_momentum(world):
    group = world.dice.choice(world.optimizer.param_groups)
    group["momentum"] = 0 if group["momentum"] else 0.9
    lend_buffers(world)


def change_centering(world):
    group = world.dice.choice(world.optimizer.param_groups)
    if not type(world.optimizer).__module__.startswith("torch"):
        group["centered"] = not group["centered"]


def other_step_count(world):
    state, _, _ = world.any_state()
    if state:
        t = float(state["step"])
        state["step"] = world.dice.choice(
            [torch.tensor(t), torch.tensor([t]), torch.tensor(t).double(), torch.tensor(int(t))]
        )


def step_count_within_its_object(world):
    state, _, _ = world.any_state()
    if state:
        state["step"].data = torch.tensor(3.0)


def sparse_gradient(world):
    if world.dice.random() < 0.1:
        param = world.any_param()
        param.grad = torch.zeros_like(param).to_sparse()


CHANGES = [
    function
    for name, function in [*globals().items()]
    if getattr(function, "__module__", None) == __name__
    and name not in ("Memory", "World", "lend_buffers", "loads_alike")
]


# --- steps ------------------------------------------------------------------------------------


# Torch's class refuses gradients of another dtype than the state's, where ours reads their values.
BEYOND_TORCH = {cast, cast_gradient, change_centering}
# Also a gradient in its own parameter, and in older versions a rate in one dimension.
TORCH_ALONE = ("refer to a single memory location", "must be Number, not Tensor")
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AssertionError)


@patch.object(plan, "WORTHWHILE", 0)  # little work is enough for kernels
def play(seed, changes, guarded=False, device="cpu"):
    """Apply changes in both worlds, with a step after each; return how many, and how it ended."""
    dice = random.Random(seed)
    options = {
        "momentum": dice.choice([0, 0.9]),
        "weight_decay": dice.choice([0, 0.1]),
        "eps": 1e-3,
    }
    alone = dice.random() < 0.3
    if alone:  # of what torch has no counterpart
        options |= {"centered": dice.random() < 0.5, "nesterov": options["momentum"] > 0}
    setting = (Memory(guarded, device), seed, dice.choice([torch.float32, torch.float64]))
    ours = World(RMSprop, *setting, options | {"fused": None})
    if alone:
        theirs = World(RMSprop, *setting, options | {"fused": False})
    else:
        theirs = World(torch.optim.RMSprop, *setting, options | {"foreach": False})
    history = []
    for change in (nothing, *changes):
        if not alone and change in BEYOND_TORCH:
            continue
        history.append(change.__name__)
        for act in (World.backward, change, lambda world: world.optimizer.step()):
            ends = [outcome(act, world) for world in (ours, theirs)]
            if ends[0] is None and ends[1] in TORCH_ALONE:
                return len(history), "torch alone refuses"
            assert (ends[0] is None) == (ends[1] is None), f"{ends} after {history}, seed {seed}"
            if ends[0] is not None:
                return len(history), "both refuse"
        assert_same(ours, theirs, f"{history}, seed {seed}")
    return len(history), "steps"


def outcome(call, world):
    """Return what a call is refused with, or None."""
    try:
        call(world)
    except REFUSALS as error:
        return next((words for words in TORCH_ALONE if words in str(error)), repr(error))
    return None


def assert_same(ours, theirs, history):
    for mine, other in zip(ours.params, theirs.params, strict=True):
        state, its_state = ours.optimizer.state.get(mine, {}), theirs.optimizer.state.get(other, {})
        assert state.keys() == its_state.keys(), f"{[*state]} and {[*its_state]} after {history}"
        for name, value in state.items():
            its = its_state[name]
            if name == "step":  # ours makes one shape and dtype of it where it loads
                value, its = (torch.as_tensor(t).reshape(()) for t in (value, its))
            compare(value, its, f"{name} after {history}")
        compare(mine.detach(), other.detach(), f"parameter after {history}")


def compare(a, b, message):
    assert a.shape == b.shape, f"{tuple(a.shape)} and {tuple(b.shape)}: {message}"
    a, b = a.double().cpu(), b.double().cpu()
    size = max([1.0, *b.abs().flatten().nan_to_num(0, 0).tolist()])
    torch.testing.assert_close(
        a,
        b,
        rtol=1e-4,
        atol=1e-5 * size,
        equal_nan=True,
        msg=lambda text: f"{message}: {text}",
    )


def main():
    """Play episodes of random changes, and count how they ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", type=int)
    parser.add_argument("episodes", type=int)
    parser.add_argument("--guarded", action="store_true")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    if arguments.guarded and arguments.device != "cpu":
        parser.error("only memory of the CPU has pages that nobody may touch")
    ends, changes = Counter(), 0

    def counting(*arguments, **options):
        ends["batches"] += 1
        step(*arguments, **options)

    kernel = cuda if arguments.device == "cuda" else cpu
    step, kernel.step = kernel.step, counting
    gc.freeze()  # what is imported is no episode's
    for seed in range(arguments.seed, arguments.seed + arguments.episodes):
        dice = random.Random(-seed)
        chosen = [dice.choice(CHANGES) for _ in range(LONG)]
        count, end = play(seed, chosen, arguments.guarded, arguments.device)
        gc.collect()  # a process may have some 20,000 guarded regions
        changes += count
        ends[end] += 1
    batches = ends.pop("batches", 0)
    if not batches:
        parser.exit(1, "no kernel stepped anything\n")
    print(f"{changes} changes, {batches} batches stepped; ended in {dict(ends)}")


if __name__ == "__main__":
    main()
