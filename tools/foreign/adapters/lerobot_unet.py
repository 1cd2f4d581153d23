"""danielsanjosepro/lerobot_policy_unetmeanflow: a torch policy of robots, whose data are sequences of actions."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuromf.conform import Declaration, Guidance, Samples, TimeSampler
from tools.foreign.checkout import checkout, imported
from tools.foreign.given import Called, noise_is

UTILS = dict.fromkeys(
    ["get_device_from_parameters", "get_dtype_from_parameters", "get_output_shape", "populate_queues"]
)
ABSENT: dict[str, dict[str, object]] = {
    "torchvision": {},
    "lerobot": {},
    "lerobot.constants": dict.fromkeys(["ACTION", "OBS_ENV_STATE", "OBS_IMAGES", "OBS_STATE"], ""),
    "lerobot.policies": {},
    "lerobot.policies.normalize": {"Normalize": object, "Unnormalize": object},
    "lerobot.policies.pretrained": {"PreTrainedPolicy": nn.Module},
    "lerobot.policies.utils": UTILS,
    "lerobot_policy_unetmeanflow": {},
    "lerobot_policy_unetmeanflow.configuration_unetmeanflow": {"UnetMeanFlowConfig": object},
}
FOLDER = checkout("danielsanjosepro/lerobot_policy_unetmeanflow") / "src" / "lerobot_policy_unetmeanflow"
code = imported(FOLDER, ["modeling_unetmeanflow"], ABSENT).modeling_unetmeanflow


class Policy:
    """Its defaults without guidance, and without the clip of actions to [-1, 1]."""

    library = "torch"
    declares = Declaration(
        name="lerobot_policy_unetmeanflow",
        shape=(2, 2),
        norm_p=0.5,
        reduction="mean",
        times=TimeSampler(distribution="uniform", data_proportion=0.5, share_is="per_batch", batch=2_000),
    )
    guided = False

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss; what it observes is the label."""
        model = self._model(net)
        model._sample_t_and_r = lambda **_: (samples.t, samples.r)
        observed = samples.y.to(samples.x.dtype)[:, None]
        with noise_is(samples.e, "randn"):
            return model._mean_flow_loss(len(samples.x), samples.x.device, samples.x, observed)

    def times(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What its sampler draws."""
        np.random.seed(seed)
        t, r = self._model(nn.Identity())._sample_t_and_r(count, torch.device("cpu"))
        return r, t

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler of one step, and its sampler of several."""
        model = self._model(net)
        model.config.inference_timesteps = steps
        observed = torch.zeros(len(noise), 1, dtype=noise.dtype)
        return (model._sample_one_step if steps == 1 else model._sample_multi_step)(noise, observed)

    def _model(self, net: nn.Module) -> Any:  # noqa: ANN401
        model = code.UnetMeanFlowModel.__new__(code.UnetMeanFlowModel)
        nn.Module.__init__(model)
        model.config = SimpleNamespace(
            use_classifier_free_guidance=self.guided,
            cfg_prob=0.0,
            cfg_omega=2.0,
            use_adaptative_loss=True,
            clip_sample=False,
            flow_ratio=0.5,
            time_distribution="uniform",
        )
        model.jvp_func = torch.func.jvp
        model.unet = Called(net, _observing)
        return model


def _observing(net: Any, z: Tensor, t: Tensor, r: Tensor, global_cond: Tensor) -> Tensor:  # noqa: ANN401
    return net(z, r, t, global_cond[:, 0])


class GuidedPolicy(Policy):
    """With its default guidance inside the loss, and no observation dropped."""

    declares = replace(
        Policy.declares,
        name="lerobot_policy_unetmeanflow, guidance",
        guidance=Guidance(scale=2.0, label=3, no_label=0),
        times=None,
    )
    guided = True
