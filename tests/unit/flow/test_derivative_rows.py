"""Which samples the derivative is taken on."""

from __future__ import annotations

import torch

from neuromf.flow.network import NetOutput
from neuromf.flow.objective import meanflow_objective
from tests.support.law_strategies import draw_batch, settings_for


def test_tangent_and_derivative_are_evaluated_on_mf_samples_alone():
    """Of six samples, three with r = t, only three are evaluated without gradient; all six are evaluated with it."""
    batch, sizes = draw_batch(0, 6, fm="some"), {True: [], False: []}

    def net(z, r_B, t_B):
        sizes[torch.is_grad_enabled()].append(len(z))
        return NetOutput(z * t_B.reshape(-1, 1, 1, 1, 1), None)

    objective = meanflow_objective(net, batch, settings_for(tangent="model"))

    assert sizes == {True: [6], False: [3, 3]}
    assert len(objective.derivative.dudt) == len(objective.tangent) == 3
