"""What the adapters of JAX codes share: flax around the suite's network, draws given, names that JAX has dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp

# The codes were written for JAX 0.4.27, where these are.
if not hasattr(jax, "tree_map"):
    jax.tree_map = jax.tree_util.tree_map
_clip = jnp.clip


def _old_clip(values: Any, low: Any = None, high: Any = None, *, a_min: Any = None, a_max: Any = None) -> Any:  # noqa: ANN401
    return _clip(values, a_min if low is None else low, a_max if high is None else high)


jnp.clip = _old_clip  # type: ignore[assignment]


class FlaxNet(nn.Module):  # type: ignore[misc]
    """The suite's network as a module without parameters of its own.

    Attributes:
        call: what it returns, with the suite's parameters bound.
    """

    call: Callable[..., Any]

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        """What the code's network would return."""
        return self.call(*arguments, **named)


class Nets:
    """Stands in for a code's module of networks, which it asks for one by name."""

    def __init__(self) -> None:
        self.call: Callable[..., Any] = lambda *_, **__: None

    def made(self, *, name: str, **_: object) -> FlaxNet:
        """The network that the code builds in its set-up."""
        return FlaxNet(call=self.call, name=name)


def key(seed: int) -> dict[str, Any]:
    """The stream of randomness that the codes ask for."""
    return {"gen": jax.random.key(seed)}


def settings(shape: tuple[int, ...], **sampling: object) -> SimpleNamespace:
    """What samplers read of a configuration: square images (side, side, channels)."""
    data = SimpleNamespace(num_classes=1, image_size=shape[0], image_channels=shape[-1])
    return SimpleNamespace(dataset=data, sampling=SimpleNamespace(**sampling))


@contextmanager
def given(module: type, noise: Any, **methods: Callable[..., Any]) -> Iterator[None]:  # noqa: ANN401
    """Within, a code computes in float64 with the given noise, and with methods replaced.

    Args:
        module: the code's class.
        noise: what is drawn from normal distributions.
        methods: of the class, by name.
    """
    replaced: dict[str, Any] = {"dtype": jnp.float64, **methods}
    with (
        mock.patch.multiple(module, **replaced),
        mock.patch.object(jax.random, "normal", return_value=noise),
    ):
        yield


def wide(time: Any) -> Any:  # noqa: ANN401
    """Times (B,) as (B, 1, 1, 1)."""
    return time.reshape(-1, 1, 1, 1)
