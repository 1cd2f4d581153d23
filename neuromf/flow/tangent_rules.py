"""Forward-mode rules of operators, as a derivative along (z, r, t) needs them: the weights have no tangent.

PyTorch's own rule of a convolution also convolves with the weight's tangent, a tensor of zeros; its rule of group
normalisation takes the operator apart, at about thirty times the price of evaluating it; its rule of a product with a
number asks Python for the shape of a sum with zero. The rules here are the closed forms with constant weights, at the
price of one more evaluation. Fused attention has no forward mode at all; inside a derivative it is evaluated operator
by operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

Operator = Callable[..., Any]
Dual = tuple[Tensor, Tensor]
"""A value and its tangent, of one shape."""


class TangentRules(TorchFunctionMode):
    """While active, the operators of `RULES` follow this file where only their input has a tangent.

    They serve derivatives without gradient: in grad mode torch's own rules apply.
    """

    def __torch_function__(
        self, func: Operator, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Send an operator that has a rule to it; let every other one pass, and one whose weights have a tangent."""
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            with sdpa_kernel(SDPBackend.MATH):
                return func(*args, **kwargs)
        rule = RULES.get(func)
        weights = (*args[1:], *kwargs.values())
        if rule is None or not args or torch.is_grad_enabled() or any(_has_tangent(value) for value in weights):
            return func(*args, **kwargs)
        x, tangent = forward_ad.unpack_dual(args[0])  # type: ignore[no-untyped-call]
        dual = None if tangent is None else rule(func, x, tangent, *args[1:], **kwargs)
        return func(*args, **kwargs) if dual is None else forward_ad.make_dual(*dual)  # type: ignore[no-untyped-call]


def _has_tangent(value: object) -> bool:
    return isinstance(value, Tensor) and forward_ad.unpack_dual(value).tangent is not None  # type: ignore[no-untyped-call]


def _affine(
    operator: Operator, x: Tensor, tangent: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any, **named: Any
) -> Dual:
    r""":math:`\dot y = f(\dot x, W)` for :math:`y = f(x, W) + b`."""
    return operator(x, weight, bias, *rest, **named), operator(tangent, weight, None, *rest, **named)


def _product(
    operator: Operator, x: Tensor, tangent: Tensor, other: Tensor | float, *, out: Tensor | None = None
) -> Dual | None:
    r""":math:`\dot y = c\,\dot x` for :math:`y = c\,x`; not where the result goes into a tensor that is given."""
    return None if out is not None else (operator(x, other), operator(tangent, other))


def _group_norm(
    _: Operator,
    x: Tensor,
    tangent: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Dual | None:
    r""":math:`\dot y = \frac{\gamma}{\sigma} (\dot x - \overline{\dot x} - \hat x\,\overline{\hat x \dot x})`.

    Bars are means over a group, :math:`\hat x = (x - \mu)/\sigma`. Without :math:`\gamma` the Jacobian is symmetric, so
    the operator's backward kernel with unit weight, applied to the tangent, is the bracket over :math:`\sigma`.
    """
    if not x.numel():
        return None
    if weight is not None:  # under autocast a convolution's bf16 meets float32 weights here
        x, tangent = x.to(weight.dtype), tangent.to(weight.dtype)
    x, tangent = x.contiguous(), tangent.contiguous()
    size, channels = x.shape[:2]
    sizes = (size, channels, x.numel() // (size * channels), num_groups)
    y, mean_BG, inverse_deviation_BG = torch.native_group_norm(x, weight, bias, *sizes, eps)
    moved: Tensor = torch.ops.aten.native_group_norm_backward(
        tangent, x, mean_BG, inverse_deviation_BG, None, *sizes, [True, False, False]
    )[0]
    return y, moved if weight is None else moved.mul_(weight.reshape(-1, *(1,) * (x.dim() - 2)))


def _silu(operator: Operator, x: Tensor, tangent: Tensor, inplace: bool = False) -> Dual | None:
    r""":math:`\dot y = \mathrm{silu}'(x)\,\dot x`, which is what the operator's backward kernel computes.

    Not in place: the result must be the input itself then, for whoever else holds it.
    """
    return None if inplace else (operator(x), torch.ops.aten.silu_backward(tangent, x))


RULES: dict[Operator, Callable[..., Dual | None]] = {
    torch.conv1d: _affine,
    torch.conv2d: _affine,
    torch.conv3d: _affine,
    functional.linear: _affine,
    functional.group_norm: _group_norm,
    functional.silu: _silu,
    torch.mul: _product,
    torch.Tensor.mul: _product,  # the operator * too
}
"""Operator -> function of it, its input, the input's tangent and its further arguments; None leaves it to torch."""
