"""The optimizer: options and state; the arithmetic is in ``rmsprop.kernels``."""

import operator
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT, _use_grad_for_differentiable

from rmsprop.kernels import eager, fused, rounding
from rmsprop.kernels.batch import Batch
from rmsprop.kernels.warning import warn_once
from rmsprop.options import check_numbers, check_options, complete_options, number
from rmsprop.plan import Plan, Planner, is_watched, is_worthwhile, why_no_kernel
from rmsprop.state import (
    SEED,
    as_real,
    check_state,
    complete_state,
    own_state,
    state_names,
    wide_dtype,
)

__all__ = ["RMSprop"]


class RMSprop(torch.optim.RMSprop):
    r"""RMSprop: a drop-in for ``torch.optim.RMSprop`` that cannot lose parameters to rounding.

    .. math::
       :nowrap:

       \begin{aligned}
         & g_t \leftarrow \nabla f(w_{t-1}) + \lambda w_{t-1} \\
         & \textbf{if } \textit{centered}: \\
         & \quad d_t = g_t - m_{t-1}, \quad m_t = m_{t-1} + (1 - \alpha) d_t, \quad
           v_t = \alpha \left( v_{t-1} + (1 - \alpha) d_t^2 \right) \\
         & \textbf{else}: \quad v_t = \alpha v_{t-1} + (1 - \alpha) g_t^2 \\
         & b_t = \mu b_{t-1} + g_t / (\sqrt{v_t} + \epsilon) \\
         & w_t = w_{t-1} - \eta\, b_t
       \end{aligned}

    Args:
        params: iterable of parameters, of named parameters, or of dicts that define param groups.
        lr: learning rate :math:`\eta \ge 0`, a number or a one-element tensor.
        alpha: smoothing constant :math:`\alpha` in [0, 1).
        eps: :math:`\epsilon \ge 0`, added to the denominator. A parameter whose denominator is 0
            nevertheless stays where it is.
        weight_decay: :math:`\lambda \ge 0`.
        momentum: :math:`\mu` in [0, 1).
        centered: divide by the gradient's standard deviation instead of its root mean square. Where
            gradients hardly vary that makes steps of up to :math:`\eta |g| / \epsilon`, in exact
            arithmetic too; the remedy is ``eps_in_sqrt`` with an ``eps`` of the size of the
            smallest variance to be trusted, as in DQN (Mnih et al., 2015).
        capturable: keep the step count on the parameter's device, so that CUDA graphs capture.
        foreach: accepted for compatibility; the result never depends on it.
        maximize: climb instead of descend.
        differentiable: let autograd flow through the step.
        eps_in_sqrt: divide by :math:`\sqrt{v_t + \epsilon}`.
        initial_accumulator_value: :math:`v_0 \ge 0`.
        lr_in_momentum: put the learning rate into the buffer,
            :math:`b_t = \mu b_{t-1} + \eta\, g_t / (\sqrt{v_t} + \epsilon)` and
            :math:`w_t = w_{t-1} - b_t`.
        decoupled_weight_decay: shrink the parameter by :math:`1 - \eta\lambda` before the step
            instead of adding :math:`\lambda w` to the gradient.
        bias_correction: average with `rmsprop.equations.corrected_alpha` instead of `alpha`. Set it
            before the first step: the state then holds corrected averages, and one that was begun
            without correction is not converted.
            Centered, that makes the variance after one gradient 0, and the first step
            :math:`\eta g / \epsilon`.
        nesterov: step along :math:`\mu b_t + g_t / (\sqrt{v_t} + \epsilon)` instead of :math:`b_t`.
        fused: whether one pass over memory steps all parameters of a group, with the same result.
            None: where that is possible and pays; False: never. True insists, except where a
            compiler or another tracer follows the step, and takes the scale of
            ``torch.amp.GradScaler`` itself, dividing the gradients by it.
        state_dtype: ``torch.bfloat16`` to keep averages and momentum buffer in 16 bits, rounded
            *stochastically*: right on average, with a noise of at most about 5% in
            :math:`v_t`, however large `alpha` is, equation ``eq-stored-spread``. A step computes in
            float32, with the averages as they are before they are rounded. The random bits come
            from the element's place in memory, the step and a ``rounding_seed`` in the state: a
            run repeats, with kernels and without, on all ranks alike, and a checkpoint continues
            bit for bit. Centered, :math:`m_t` is rounded too, and adds its rounding to the
            variance, about :math:`0.002\, |m| / \sigma` of it for gradients of mean :math:`m` and
            deviation :math:`\sigma`, which makes steps shorter, never a variance negative. Zeros,
            denormals, infinities and NaN are kept as float32 keeps them; a number beyond the
            largest of bfloat16 may become infinite. None: float32, or float64 beside such
            parameters. Complex parameters are refused.

    Numbers may also be tensors of one element; but for `lr` they are read on the CPU at every step.

    Raises:
        ValueError: if a number is out of its range or not finite, or two options exclude each
            other.
        TypeError: if a number is not a number at all.
        RuntimeError: if `fused` is set together with `differentiable` or `foreach`, or
            `state_dtype` with `differentiable`; at `step`, for a sparse gradient,
            and for a parameter that `fused` kernels cannot step.

    Equivalent to `torch.optim.RMSprop` to rounding, with the same defaults; the options from
    ``eps_in_sqrt`` on are its own and off by default; `rmsprop.convention` sets them to mean what
    another framework means. Differs in what happens to rounding errors. Centered, torch subtracts
    two averages, :math:`v - m^2`, which float32 may round below zero and into NaN; here the
    variance is a sum of non-negative terms, kept as ``grad_var`` beside ``grad_avg``. Parameters in
    float16 and bfloat16 keep their state and do their arithmetic in float32. Checkpoints of torch's
    load and continue, with torch's options; ours go back to torch only uncentered and without
    options of our own. The step count is float32 whatever the default dtype, and ``capturable`` is
    not refused on the CPU. Refused are a momentum of 1 or more, an alpha of 1 or more, numbers that
    are not finite, and True for a number. Centered state that is in shared memory before the first
    step stays there and is taken for a variance as it is. Who looks optimizers up by their exact
    class does not find this one: ``higher`` wants ``higher.register_optim``, and
    ``torch.distributed.optim.DistributedOptimizer`` has no functional form of it.

    Sources: Tieleman and Hinton (2012), lecture 6e, slide 29; Graves (2013), equations 38-45, for
    centering, there with :math:`\epsilon` inside the root; Finch (2009), section 9, for the
    recursion.

    >>> w = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * torch.tensor([1.0, 100.0])).sum().backward()
    >>> _ = optimizer.step()
    >>> w.data
    tensor([0.8000, 0.8000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        eps_in_sqrt: bool = False,
        initial_accumulator_value: float = 0,
        lr_in_momentum: bool = False,
        decoupled_weight_decay: bool = False,
        bias_correction: bool = False,
        nesterov: bool = False,
        fused: bool | None = None,
        state_dtype: torch.dtype | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "eps_in_sqrt": eps_in_sqrt,
            "initial_accumulator_value": initial_accumulator_value,
            "lr_in_momentum": lr_in_momentum,
            "decoupled_weight_decay": decoupled_weight_decay,
            "bias_correction": bias_correction,
            "nesterov": nesterov,
            "fused": fused,
            "state_dtype": state_dtype,
        }
        check_options(defaults)
        # Past torch.optim.RMSprop's own constructor, which knows only its own options.
        torch.optim.Optimizer.__init__(self, params, defaults)
        self._planners: dict[int, Planner] = {}

    @property
    def _step_supports_amp_scaling(self) -> bool:
        """Tell torch.amp.GradScaler that `step` divides by the scale and skips infinities."""
        return all(group["fused"] for group in self.param_groups)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a param group as ``torch.optim.Optimizer`` does, after checking its options."""
        if isinstance(param_group, dict):
            check_options({**self.defaults, **param_group})
        super().add_param_group(param_group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        check_state(state)
        for group in state["param_groups"]:
            complete_options(group)
        super().__setstate__(state)
        self._planners = {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a checkpoint of this class or of ``torch.optim.RMSprop``.

        Args:
            state_dict: from ``state_dict()`` of either. Its options replace the present ones but
                for `state_dtype`; those that torch does not have become torch's meaning. Torch's
                centered state is turned into a variance, :math:`v - m^2` clamped at 0. State of
                another `state_dtype` is converted, and a warning says so once: to float32 exactly,
                to bfloat16 by stochastic rounding.

        Raises:
            ValueError: for a checkpoint of another optimizer, or with other groups or shapes; the
                optimizer is left as it was.
        """
        loaded: dict[str, Any] = {}
        state_dtypes = [group.get("state_dtype") for group in self.param_groups]
        # Between the user's hooks: sees what theirs made, and is done before theirs look.
        hooks = (
            self.register_load_state_dict_pre_hook(lambda _, made: loaded.update(made)),
            self.register_load_state_dict_post_hook(
                lambda _: self._own(loaded, state_dtypes), prepend=True
            ),
        )
        try:
            super().load_state_dict(state_dict)
        finally:
            for hook in hooks:
                hook.remove()

    def _own(self, loaded: dict[str, Any], state_dtypes: Sequence[torch.dtype | None]) -> None:
        groups = zip(self.param_groups, loaded["param_groups"], state_dtypes, strict=True)
        for group, saved, state_dtype in groups:
            is_other = saved.get("state_dtype") != state_dtype
            if is_other and not loaded["state"].keys().isdisjoint(saved["params"]):
                warn_once(
                    f"RMSprop converts a checkpoint whose state_dtype is {saved.get('state_dtype')}"
                    f" to {state_dtype}, that of the optimizer it is loaded into"
                )
            group["state_dtype"] = state_dtype
            for param, i in zip(group["params"], saved["params"], strict=True):
                if param in self.state:
                    own_state(self.state[param], loaded["state"][i], param)
                    complete_state(self.state[param], param, group)

    @torch._disable_dynamo
    def _init_group(self, group: dict[str, Any]) -> None:  # type: ignore[override]
        """Give all parameters of a group their state. Dynamo calls it rather than trace it."""
        for param in _with_grad(group["params"])[0]:
            if group["fused"] and (reason := why_no_kernel(param)):
                raise RuntimeError(reason)
            complete_state(self.state[param], param, group)

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: re-evaluates the model and returns the loss; called with gradients enabled.

        Returns:
            What `closure` returned, or None.
        """
        _check_graph_capture(self)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            complete_options(group)
        tensors = [_with_grad(group["params"]) for group in self.param_groups]
        if is_watched():
            _refuse_sparse(grad for _, grads in tensors for grad in grads)
            for group in self.param_groups:
                self._init_group(group)
        else:
            for group in self.param_groups:
                check_numbers(group)
        # Kernels would divide by the scale a gradient that two groups share twice.
        may_fuse = not self._has_scale() or _are_apart(grads for _, grads in tensors)
        plans = [self._plan(i, *of_group, may_fuse) for i, of_group in enumerate(tensors)]
        # State that was made for a later group may be an earlier one's.
        stale = any(plan.has_moved for plan in plans)
        # What is in a batch is dense.
        _refuse_sparse(tensors[i][1][k] for i, plan in enumerate(plans) for k in plan.rest)
        unscaled: set[int] = set()
        for i, ((params, grads), plan) in enumerate(zip(tensors, plans, strict=True)):
            # Torch operations have run, which a tensor of another class may define as it likes.
            if stale or any(earlier.rest for earlier in plans[:i]):
                plan = self._plan(i, params, grads, may_fuse, may_move=False)
            for batch, written in zip(plan.batches, plan.written, strict=True):
                self._step_batch(batch, written, self.param_groups[i])
            for k in plan.rest:
                self._step_param(params[k], grads[k], self.param_groups[i], unscaled)
        return loss

    def _plan(
        self,
        i: int,
        params: list[Tensor],
        grads: list[Tensor],
        may_fuse: bool,
        may_move: bool = True,
    ) -> Plan:
        """Return what of the i-th group kernels step together, and the positions of the rest."""
        group = self.param_groups[i]
        # Autograd follows a differentiable step, whatever its groups say.
        is_followed = is_watched() or torch.is_grad_enabled()
        if not may_fuse or is_followed or not is_worthwhile(group, params):
            return Plan([], [], range(len(params)))
        planner = self._planners.setdefault(i, Planner())
        states = self._states(params)
        return planner.plan(group, params, grads, states, self._has_scale(), may_move)

    def _has_scale(self) -> bool:
        return getattr(self, "grad_scale", None) is not None

    def _states(self, params: list[Tensor]) -> list[dict[str, Any]]:
        # Whether all thousand are there, in order, is known sooner than the place of each.
        if len(params) == len(self.state) and all(map(operator.is_, params, self.state)):
            return [*self.state.values()]
        return [self.state[param] for param in params]

    def _step_batch(self, batch: Batch, written: Sequence[Tensor], group: dict[str, Any]) -> None:
        kernel = fused.kernel_of(batch.device.type)
        assert kernel is not None
        kernel.step(
            batch,
            written,
            centered=group["centered"],
            lr=group["lr"],
            bias_correction=group["bias_correction"],
            grad_scale=self._scaling("grad_scale", batch.device),
            found_inf=self._scaling("found_inf", batch.device),
            **{name: number(group[name]) for name in ("alpha", *_NUMBERS)},
            **{name: group[name] for name in _SWITCHES},
        )

    def _scaling(self, name: str, device: torch.device) -> Tensor | None:
        """Return what torch.amp.GradScaler hands over for the time of a step."""
        value: Tensor | None = getattr(self, name, None)
        return None if value is None else value.to(device, non_blocking=True)

    def _step_param(
        self, param: Tensor, grad: Tensor, group: dict[str, Any], unscaled: set[int]
    ) -> None:
        # Torch's GradScaler leaves these to `fused=True`, which steps so where it is compiled.
        found_inf = self._scaling("found_inf", grad.device)
        scale = self._scaling("grad_scale", grad.device)
        if found_inf is not None and found_inf.item() != 0:
            return
        if scale is not None and id(grad) not in unscaled:
            grad.div_(scale)
            unscaled.add(id(grad))
        state = self.state[param]
        complete_state(state, param, group)
        state["step"] += 1
        buffers: dict[str, Any] = {name: as_real(state[name]) for name in state_names(group)}
        is_narrow = group["state_dtype"] is not None
        wide = buffers
        if is_narrow:
            wide = {name: buffer.to(wide_dtype(param)) for name, buffer in buffers.items()}
        eager.step(
            as_real(param),
            as_real(grad.resolve_conj()),
            **wide,
            lr=group["lr"],
            alpha=_alpha_of_step(group, state["step"]),
            **{name: _scalar(group[name]) for name in _NUMBERS},
            **{name: group[name] for name in _SWITCHES},
        )
        if is_narrow:
            rounding.store(buffers, wide, state["step"], state[SEED])


# Older versions of torch name it after CUDA.
_check_graph_capture: Callable[[torch.optim.Optimizer], None] = getattr(
    torch.optim.Optimizer, "_accelerator_graph_capture_health_check", None
) or getattr(torch.optim.Optimizer, "_cuda_graph_capture_health_check")  # noqa: B009


_grad_of: Callable[[Tensor], Tensor | None] = attrgetter("grad")


def _with_grad(params: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the parameters that have a gradient, and these."""
    grads: list[Any] = [*map(_grad_of, params)]
    if type(None) in {*map(type, grads)}:
        params = [param for param, grad in zip(params, grads, strict=True) if grad is not None]
        grads = [grad for grad in grads if grad is not None]
    return params, grads


def _are_apart(groups: Iterable[list[Tensor]]) -> bool:
    """Return whether no tensor is in two groups."""
    ids = [{*map(id, grads)} for grads in groups]
    return len(set().union(*ids)) == sum(map(len, ids))


def _refuse_sparse(grads: Iterable[Tensor]) -> None:
    if any(grad.is_sparse for grad in grads):
        raise RuntimeError("RMSprop does not support sparse gradients")


_NUMBERS = ("eps", "weight_decay", "momentum")
_SWITCHES = (
    *("maximize", "eps_in_sqrt", "lr_in_momentum"),
    *("decoupled_weight_decay", "nesterov"),
)


def _scalar(number: Any) -> Any:
    return number.reshape(()) if isinstance(number, Tensor) else number


def _alpha_of_step(group: dict[str, Any], step: Tensor) -> float | Tensor:
    """Return the smoothing constant of this step, see `rmsprop.equations.corrected_alpha`."""
    alpha: float | Tensor = _scalar(group["alpha"])
    if not group["bias_correction"]:
        return alpha
    # In double precision: float32 has no digits of 1 - alpha to spare. On the device where nothing
    # may be read from it, else in Python.
    on_device = group["capturable"] or torch.compiler.is_compiling()
    t = step.double() if on_device else step.item()
    return alpha * (1 - alpha ** (t - 1)) / (1 - alpha**t)
