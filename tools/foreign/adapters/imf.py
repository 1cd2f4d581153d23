"""Lyy-iiis/imeanflow: the authors' JAX code of improved MeanFlow."""

from __future__ import annotations

from dataclasses import replace

from neuromf.conform import Declaration, Schedule
from tools.foreign.checkout import checkout, imported
from tools.foreign.given_jax import Nets
from tools.foreign.improved import DECLARES, Improved

NETS = Nets()
NAMES = ["imf", "utils.ema_util", "utils.lr_utils"]
code = imported(checkout("Lyy-iiis/imeanflow"), NAMES, {"models": {"imfDiT": NETS}})
WARMUP = 10


class ImfDefault(Improved):
    """As its default configuration has it, without a warm-up."""

    declares = replace(DECLARES, name="iMF", schedule=Schedule())
    modules, nets, module, generate = code, NETS, code.imf.iMeanFlow, code.imf.generate

    def rate(self, step: int) -> float:
        """Its schedule."""
        return float(code.lr_utils.make_warmup_const_schedule(1.0, 0, 1)(step))


class WarmUp:
    """Its schedule with a warm-up."""

    library = "jax"
    declares = Declaration(name="iMF, with a warm-up", precision="float32", schedule=Schedule(warmup_steps=WARMUP))

    def rate(self, step: int) -> float:
        """Its schedule, an epoch of one step."""
        return float(code.lr_utils.make_warmup_const_schedule(1.0, WARMUP, 1)(step))
