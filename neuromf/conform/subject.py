"""From an adapter to what the suite asks: the bridge of its library, and the functions that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from neuromf_spec.conformance.declaration import Declaration

from neuromf.errors import InputError

FUNCTIONS = ("loss", "times", "sample", "grid", "average", "rate")
LIBRARIES = ("torch", "jax")


class BridgedSubject:
    """An adapter with its bridge; a function that the adapter lacks is None.

    Args:
        adapter: an instance.

    Raises:
        InputError: it declares nothing that the suite understands, or its library is not installed.
    """

    def __init__(self, adapter: Any) -> None:  # noqa: ANN401
        self.declared: Declaration = adapter.declares
        bridge = _bridge(adapter)
        self.loss = _one_of(bridge, adapter, "loss")
        self.times = _one_of(bridge, adapter, "times")
        self.sample = _one_of(bridge, adapter, "sample")
        self.average = _one_of(bridge, adapter, "average")
        self.grid: Callable[[int], Sequence[float]] | None = getattr(adapter, "grid", None)
        self.rate: Callable[[int], float] | None = getattr(adapter, "rate", None)


def _one_of(bridge: object, adapter: object, name: str) -> Any:  # noqa: ANN401
    return getattr(bridge, name) if callable(getattr(adapter, name, None)) else None


def _bridge(adapter: Any) -> object:  # noqa: ANN401
    if adapter.library == "torch":
        from neuromf.conform.torch_bridge import TorchBridge

        return TorchBridge(adapter)
    try:
        from neuromf.conform.jax_bridge import JaxBridge
    except ModuleNotFoundError as error:
        remedy = "install it beside neuromf, as with pip install jax"
        raise InputError(f"{error.name} is not installed", remedy=remedy, key="library") from error
    return JaxBridge(adapter)
