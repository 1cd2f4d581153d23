"""Forward-mode rules of operators, as a derivative along (z, r, t) needs them: the weights have no tangent.

PyTorch's own rule of a convolution also convolves with the weight's tangent, a tensor of zeros, and its rule of group
normalisation takes the operator apart, at about thirty times the price of evaluating it. The rules here are the closed
forms with constant weights, at the price of one more evaluation. They have no backward pass: they serve derivatives
without gradient. Fused attention has no forward mode at all; inside a derivative it is evaluated operator by operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

Operator = Callable[..., Any]


class TangentRules(TorchFunctionMode):
    """While active, convolutions, linear layers, group normalisation, SiLU and attention follow this file."""

    def __torch_function__(
        self, func: Operator, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Send an operator that has a rule to it; let every other one pass, and one whose weights have a tangent."""
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            with sdpa_kernel(SDPBackend.MATH):
                return func(*args, **kwargs)
        rule = RULES.get(func)
        weights = (*args[1:], *(value for name, value in kwargs.items() if name != "input"))
        if rule is None or any(_has_tangent(value) for value in weights):
            return func(*args, **kwargs)
        return rule(func, *args, **kwargs)


def _has_tangent(value: object) -> bool:
    return isinstance(value, Tensor) and forward_ad.unpack_dual(value).tangent is not None  # type: ignore[no-untyped-call]


class _LinearInInput(torch.autograd.Function):
    r""":math:`\dot y = f(\dot x, W)` for :math:`y = f(x, W) + b`."""

    @staticmethod
    def forward(x: Tensor, operator: Operator, weight: Tensor, bias: Tensor | None, options: dict[str, Any]) -> Tensor:
        result: Tensor = operator(x, weight, bias, **options)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, ctx.operator, weight, _, ctx.options = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_forward(weight)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, *_: None) -> Tensor | None:
        if tangent is None:
            return None
        (weight,) = ctx.saved_tensors
        result: Tensor = ctx.operator(tangent, weight, None, **ctx.options)
        return result


class _GroupNorm(torch.autograd.Function):
    r""":math:`\dot y = \frac{\gamma}{\sigma} (\dot x - \overline{\dot x} - \hat x\,\overline{\hat x \dot x})`.

    Bars are means over a group, :math:`\hat x = (x - \mu)/\sigma`. Without :math:`\gamma` the Jacobian is symmetric, so
    the operator's backward kernel with unit weight, applied to the tangent, is the bracket over :math:`\sigma`.
    """

    @staticmethod
    def forward(
        x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        return torch.native_group_norm(x, weight, bias, *_sizes(x), groups, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        x, ctx.groups, weight, _, _ = inputs
        _, mean_BG, inverse_deviation_BG = output
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(mean_BG, inverse_deviation_BG)
        ctx.save_for_forward(x, mean_BG, inverse_deviation_BG, weight)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, *_: None) -> tuple[Tensor | None, None, None]:
        if tangent is None:
            return None, None, None
        x, mean_BG, inverse_deviation_BG, weight = ctx.saved_tensors
        statistics = (mean_BG, inverse_deviation_BG, None)
        moved: Tensor = torch.ops.aten.native_group_norm_backward(
            tangent.contiguous(), x, *statistics, *_sizes(x), ctx.groups, [True, False, False]
        )[0]
        return moved if weight is None else moved * weight.reshape(-1, *(1,) * (x.dim() - 2)), None, None


class _Silu(torch.autograd.Function):
    r""":math:`\dot y = \mathrm{silu}'(x)\,\dot x`, which is what the operator's backward kernel computes."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return functional.silu(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.set_materialize_grads(False)
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None) -> Tensor | None:
        if tangent is None:
            return None
        (x,) = ctx.saved_tensors
        result: Tensor = torch.ops.aten.silu_backward(tangent, x)
        return result


def _sizes(x: Tensor) -> tuple[int, int, int]:
    """Samples, channels and cells of a channel."""
    size, channels = x.shape[:2]
    return size, channels, x.numel() // (size * channels)


def _convolution(
    operator: Operator,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _LinearInInput.apply(input, operator, weight, bias, options)  # type: ignore[no-untyped-call]


def _linear(operator: Operator, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    return _LinearInInput.apply(input, operator, weight, bias, {})  # type: ignore[no-untyped-call]


def _group_norm(
    _: Operator,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Any:
    return _GroupNorm.apply(input.contiguous(), num_groups, weight, bias, eps)[0]  # type: ignore[no-untyped-call]


def _silu(_: Operator, input: Tensor, inplace: bool = False) -> Any:
    result = _Silu.apply(input)  # type: ignore[no-untyped-call]
    return input.copy_(result) if inplace else result


RULES: dict[Operator, Operator] = {
    torch.conv1d: _convolution,
    torch.conv2d: _convolution,
    torch.conv3d: _convolution,
    functional.linear: _linear,
    functional.group_norm: _group_norm,
    functional.silu: _silu,
}
"""Operator -> function of the operator and its own arguments."""
