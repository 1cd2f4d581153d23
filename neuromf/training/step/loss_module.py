"""Network and loss as one module, so that a replica's wrapper sees one forward pass and never a derivative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuromf.flow.batch import Batch
from neuromf.flow.mf_derivative import MfDerivative, mf_derivatives
from neuromf.flow.network import Net
from neuromf.flow.objective import Objective, meanflow_objective
from neuromf.flow.settings import ObjectiveSettings


class Loss(NamedTuple):
    """What the loss module returns: a tuple, for a replica's wrapper looks for the loss in tuples alone.

    Attributes:
        weighted_B: weighted loss of each sample, with gradient.
        objective: what it was made of.
    """

    weighted_B: Tensor
    objective: Objective


class LossModule(nn.Module):
    """The weighted loss of a micro-batch.

    The wrapper of a replica adds hooks to its own forward pass, through which forward-mode derivatives do not go; here
    they are taken inside, on the bare network, while its parameters still carry the hooks that synchronise gradients.
    Nor do they go through a compiled network, which drops tangents in silence: only the pass with gradient is compiled.

    Args:
        model: the network that is trained.
        settings: of the objective.
        channel_weights_C: factor on each channel's squared error.
        compiler: backend of `torch.compile` for the pass with gradient; None leaves it as it is.
    """

    def __init__(
        self,
        model: Net,
        settings: ObjectiveSettings,
        channel_weights_C: Tensor | None,
        *,
        compiler: str | None = None,
    ) -> None:
        super().__init__()
        self.model, self.settings, self.channel_weights_C = model, settings, channel_weights_C
        # The function, not a second module around the same parameters.
        self._with_gradient: Net = model if compiler is None else torch.compile(model.__call__, backend=compiler)

    def derivatives(self, batches: Sequence[Batch]) -> list[MfDerivative]:
        """du/dt of several micro-batches in one pass."""
        return mf_derivatives(self.model, batches, self.settings)

    def forward(self, batch: Batch, derivative: MfDerivative | None = None) -> Loss:
        """Evaluate one micro-batch; its derivative may be known."""
        known = self.derivatives([batch])[0] if derivative is None else derivative
        objective = meanflow_objective(self._with_gradient, batch, self.settings, self.channel_weights_C, known=known)
        return Loss(objective.weighted_B, objective)
