"""liduojia1/MeanFlowSE: a torch code that takes noise out of speech; here the noisy speech is zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neuromf.conform import Declaration, Samples
from tools.foreign.checkout import checkout, imported
from tools.foreign.given import Called, noise_is


class Module(nn.Module):
    """Stands in for Lightning's, of which the loss needs a log alone."""

    def log(self, *_: object, **__: object) -> None:
        """Nothing."""


ABSENT: dict[str, dict[str, object]] = {
    "pytorch_lightning": {"LightningModule": Module},
    "torch_ema": {"ExponentialMovingAverage": object},
    "flowmse.backbones": {"BackboneRegistry": object},
    "flowmse.util.inference": {"evaluate_model": None},
    "flowmse.util.other": {"pad_spec": None},
}
FOLDER = checkout("liduojia1/MeanFlowSE") / "MeanFLowSE"
code = imported(FOLDER, ["flowmse.model", "flowmse.odes", "flowmse.sampling"], ABSENT)

SETTINGS = {
    "T_rev": 1.0, "t_eps": 0.0, "loss_type": "mse", "use_mfse": True, "mf_jvp_impl": "auto", "mf_jvp_eps": 1e-3,
    "mf_jvp_chunk": 0, "mf_first_order_coef": 0.5, "mf_skip_weight_thresh": 0.0, "mf_warmup_frac": 0.5,
    "mf_weight_final": 0.5, "mf_jvp_clip": 1e12,
}  # fmt: skip
"""Its defaults but for the last two, which are .25 and 5: both terms weigh the same, and no du/dt is clipped."""


class LiSpeech:
    """Its defaults, with equal terms and without the clip of du/dt."""

    library = "torch"
    declares = Declaration(
        name="liduojia1/MeanFlowSE",
        shape=(1, 2, 2),
        terms="dual",
        norm_p=0.0,
        factor=0.25,
        correction=0.5,
    )

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss; the noise of a path without noisy speech is sigma_max z, and sigma_max is 1."""
        model = self._model(net)
        model._sample_r_given_t = lambda _: samples.r
        with noise_is(samples.e, "randn_like"), noise_is(1 - samples.t, "rand"):
            return model._step((samples.x, torch.zeros_like(samples.x)), 0)

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler of average velocities, down to t = 0 as its script advises."""
        model, none = self._model(net), torch.zeros_like(noise)
        solver = code.sampling.get_white_box_solver(
            "euler_mf", model.ode, model, Y=none, Y_prior=none, T_rev=1.0, t_eps=0.0, N=steps
        )
        with noise_is(noise, "randn_like"):
            return solver()[0]

    def _model(self, net: Any) -> Any:  # noqa: ANN401
        model = code.model.VFModel.__new__(code.model.VFModel)
        nn.Module.__init__(model)
        for name, value in SETTINGS.items():
            setattr(model, name, value)
        model.dnn = Called(net, _negative)
        model.ode = code.odes.FLOWMATCHING(sigma_min=0.0, sigma_max=1.0)
        return model


def _negative(net: Any, stacked: Tensor, t: Tensor, interval: Tensor) -> Tensor:  # noqa: ANN401
    """Its network takes speech and noisy speech together, and its output is turned."""
    return -net(stacked.chunk(2, dim=1)[0], t - interval, t)
