"""What an evaluation leaves behind: other weights, other buffers, another average, a network in another mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from neuromf.any_loop.rules.words import warning
from neuromf.any_loop.silent.findings import evaluation_changed, shown
from neuromf.monitor.checks.step_checks import fingerprint
from neuromf.monitor.guard.alarm import Alarm

Values = Callable[[], Sequence[Tensor]]


class EvaluationLook:
    """Looks at a network before and after its evaluation.

    Args:
        model: the network.
        average: gives the tensors of the average of its weights; None where there is none.
    """

    def __init__(self, model: nn.Module, average: Values | None) -> None:
        self._model, self._average = model, average
        self._before, self._modes = self._prints(), self._training()

    def after(self) -> list[Alarm]:
        """What is not as it was (law EMA-003)."""
        now, modes = self._prints(), self._training()
        names = [name for name in now if now[name] != self._before.get(name)]
        found = evaluation_changed(names, "tensors changed by an evaluation")
        other = [name or "the network" for name in modes if modes[name] != self._modes.get(name)]
        if other:
            mode = "training" if modes.get("", False) else "evaluation"
            said = f"the evaluation left {shown(other)} in {mode} mode: dropout and normalisation are not as before"
            found.append(warning("training mode", said, f"{len(other)} modules", "0"))
        return found

    @torch.no_grad()
    def _prints(self) -> dict[str, int]:
        tensors = {**dict(self._model.named_parameters()), **dict(self._model.named_buffers())}
        if self._average is not None:
            tensors |= {f"average {place}": value for place, value in enumerate(self._average())}
        known = {name: value for name, value in tensors.items() if value.numel() and not value.is_complex()}
        bits = [fingerprint([value.to(torch.int8) if value.dtype is torch.bool else value]) for value in known.values()]
        return dict(zip(known, torch.cat([bit.cpu() for bit in bits]).tolist(), strict=True)) if bits else {}

    def _training(self) -> dict[str, bool]:
        return {name: module.training for name, module in self._model.named_modules()}
