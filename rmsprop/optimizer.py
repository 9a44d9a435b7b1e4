"""RMSprop for PyTorch: options and state; the arithmetic is in `rmsprop.kernels`."""

import math
import numbers
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT, _use_grad_for_differentiable

from rmsprop.kernels import eager

__all__ = ["RMSprop"]


class RMSprop(torch.optim.RMSprop):
    r"""RMSprop, a drop-in for ``torch.optim.RMSprop`` whose centering is numerically stable.

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
        eps: :math:`\epsilon \ge 0`, added outside the root, in units of the gradient.
        weight_decay: :math:`\lambda \ge 0`, coupled (added to the gradient).
        momentum: :math:`\mu \ge 0`.
        centered: divide by the gradient's standard deviation instead of its root mean square.
        capturable: keep the step count on the parameter's device, so that CUDA graphs capture.
        foreach: accepted for compatibility; the result never depends on it.
        maximize: climb instead of descend.
        differentiable: let autograd flow through the step.

    Raises:
        ValueError: if a number is out of its range or not finite.
        TypeError: if it is not a number at all.
        RuntimeError: at `step`, for a sparse gradient.

    Equivalent to ``torch.optim.RMSprop`` to rounding, with the same signature and defaults. Differs
    when centered: torch subtracts two averages, :math:`v - m^2`, which float32 may round below zero
    and into NaN; here the variance is a sum of non-negative terms. Its state is therefore named
    ``grad_var``, beside ``grad_avg``, and a checkpoint of torch's is converted when loaded. The
    step count is float32 whatever the default dtype, and ``capturable`` is not refused on the CPU.

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
    ) -> None:
        _check_numbers(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            capturable=capturable,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a param group as ``torch.optim.Optimizer`` does, after checking its numbers."""
        _check_numbers(**{name: param_group[name] for name in _NUMBERS if name in param_group})
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a checkpoint of this class or of ``torch.optim.RMSprop``.

        Args:
            state_dict: from ``state_dict()`` of either. Torch's centered state holds the average of
                squares; its variance, :math:`v - m^2` clamped at 0, takes its place.
        """
        super().load_state_dict(state_dict)
        for state in self.state.values():
            if "grad_avg" in state and "square_avg" in state:
                square, mean = state.pop("square_avg"), state["grad_avg"]
                state["grad_var"] = _as_real(square).sub(_as_real(mean).square()).clamp_(min=0)
                if torch.is_complex(square):
                    state["grad_var"] = torch.view_as_complex(state["grad_var"])

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: re-evaluates the model and returns the loss; called with gradients enabled.

        Returns:
            What `closure` returned, or None.
        """
        self._accelerator_graph_capture_health_check()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._step_param(param, group)
        return loss

    def _step_param(self, param: Tensor, group: dict[str, Any]) -> None:
        grad = cast(Tensor, param.grad)
        if grad.is_sparse:
            raise RuntimeError("RMSprop does not support sparse gradients")
        state = self.state[param]
        if not state:
            state["step"] = torch.zeros(
                (), dtype=torch.float32, device=param.device if group["capturable"] else "cpu"
            )
            for name in _state_names(group):
                state[name] = torch.zeros_like(param, memory_format=torch.preserve_format)
        state["step"] += 1
        averages: dict[str, Any] = {name: _as_real(state[name]) for name in _state_names(group)}
        options = {name: group[name] for name in (*_NUMBERS, "maximize")}
        eager.step(_as_real(param), _as_real(grad), **averages, **options)


_NUMBERS = ("lr", "alpha", "eps", "weight_decay", "momentum")
# torch's own wording, so that code which matches its messages keeps working.
_TITLES = {"lr": "learning rate", "eps": "epsilon value"}


def _check_numbers(**hyperparameters: float | Tensor) -> None:
    for name, number in hyperparameters.items():
        if name == "lr" and isinstance(number, Tensor) and _is_real(number):
            if number.numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
            if number.device.type == "meta":
                continue
        elif isinstance(number, bool) or not isinstance(number, numbers.Real):
            raise TypeError(f"{name} must be a number, got {number!r}")
        limit = 1 if name == "alpha" else math.inf
        if not 0 <= number < limit:
            title = _TITLES.get(name, f"{name} value")
            raise ValueError(f"Invalid {title}: {number} (allowed: [0, {limit:g}))")


def _is_real(tensor: Tensor) -> bool:
    return not tensor.is_complex() and tensor.dtype != torch.bool


def _state_names(group: dict[str, Any]) -> tuple[str, ...]:
    averages = ("grad_avg", "grad_var") if group["centered"] else ("square_avg",)
    return (*averages, "momentum_buffer") if group["momentum"] > 0 else averages


def _as_real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if torch.is_complex(tensor) else tensor
