"""chen-ming-yang/MeanFlowSE: a torch code that takes noise out of speech; here the encoders change nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neuromf.conform import Declaration, Samples
from tools.foreign.checkout import checkout, imported
from tools.foreign.given import Called, noise_is

FOLDER = checkout("chen-ming-yang/MeanFlowSE")
code = imported(FOLDER, ["mean_flow"], {"dit": {"DiTBackbone": nn.Module}}).mean_flow


class ChenSpeech:
    """Its defaults; its samples are (time, channel), summed over channels and averaged over time."""

    library = "torch"
    declares = Declaration(name="chen-ming-yang/MeanFlowSE", shape=(2, 2), data_at=1, norm_p=0.5, reduction=2.0)

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss of latent speech, with noisy speech of zero."""
        model = self._model(net)
        model._sample_time_steps = lambda *_: (samples.r, samples.t)
        with noise_is(samples.e, "randn_like"):
            return model.forward_train(torch.zeros_like(samples.x), samples.x)[0]

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler, which has one step."""
        if steps != 1:
            raise NotImplementedError("the code samples in one step alone")
        with noise_is(noise, "randn_like"):
            return self._model(net).inference(torch.zeros_like(noise), debug=False)

    def _model(self, net: Any) -> Any:  # noqa: ANN401
        backbone = Called(net, lambda own, z, _, r, t: own(z, r, t))
        return code.MeanFlowSE(nn.Identity(), nn.Identity(), nn.Identity(), backbone)
