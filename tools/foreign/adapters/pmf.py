"""Lyy-iiis/pMF: the authors' JAX code of pixel MeanFlow, without its perceptual losses."""

from __future__ import annotations

from dataclasses import replace

from tools.foreign.checkout import checkout, imported
from tools.foreign.given_jax import Nets
from tools.foreign.improved import DECLARES, Improved

NETS = Nets()
code = imported(checkout("Lyy-iiis/pMF"), ["pmf", "utils.ema_util"], {"models": {"pmfDiT": NETS}})


class PmfDefault(Improved):
    """As its default configuration has it; the network's own step from x to u is left out."""

    declares = replace(
        DECLARES,
        name="pMF",
        deviations={"TIME-003": "r = t is imposed before the pair is sorted, so that t is one draw there"},
    )
    modules, nets, module, generate = code, NETS, code.pmf.pixelMeanFlow, code.pmf.generate
