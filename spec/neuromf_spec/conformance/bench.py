"""The bench that checks work at: the code, what is known of its conduct so far, and controlled draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.batch import GivenBatch, OwnField, Parameters
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.declaration import Declaration
from neuromf_spec.conformance.fields import Field, Gaussian, Polynomial
from neuromf_spec.conformance.objective import HEAD, HEAD_FIELD, Setting
from neuromf_spec.conformance.subject import Evaluation, Network, Subject
from neuromf_spec.conformance.verdict import LossCall

Array = NDArray[np.float64]
POLYNOMIAL = Polynomial()
TERMS = ("one", "z", "r", "t", "gap", "zz", "zt", "zr", "tt")


class NoGradientError(ArithmeticError):
    """The loss has a value and moves with no parameter, or is not finite."""


@dataclass
class Bench:
    """A code on the bench.

    Attributes:
        subject: the code.
        conduct: how it computes its objective, as far as checks have found out; it begins as declared.
        seed: of the draws.
        has_gradient: whether its loss moves with the network at all.
    """

    subject: Subject
    conduct: Conduct
    seed: int
    has_gradient: bool = True

    @property
    def declared(self) -> Declaration:
        """The code's conventions."""
        return self.conduct.declared

    def generator(self, salt: int) -> np.random.Generator:
        """Draws of one check; no other check moves them."""
        return np.random.default_rng((self.seed, salt))

    def network(self, shape: Field) -> Network:
        """The suite's network in the code's convention."""
        declared = self.declared
        head = OwnField(HEAD_FIELD, declared.data_at) if declared.v_head else None
        return Network(OwnField(shape, declared.data_at, declared.prediction == "x"), head)

    def evaluate(self, shape: Field, parameters: Parameters, batch: GivenBatch) -> Evaluation:
        """What the code's loss returns.

        Raises:
            NoGradientError: a number is not finite.
        """
        assert self.subject.loss is not None
        found = self.subject.loss(self.network(shape), parameters, batch.own_time(self.declared.data_at))
        numbers = [found.value, *found.gradient.values()]
        if not np.isfinite(numbers).all():
            raise NoGradientError(f"the loss or its gradient is not finite: {numbers}")
        return found

    def setting(self, shape: Field, parameters: Parameters, batch: GivenBatch, **changed: Any) -> Setting:  # noqa: ANN401
        """The same by hand, with some of the conduct changed."""
        return Setting(replace(self.conduct, **changed), shape, parameters, batch)

    def parameters(self, generator: np.random.Generator, size: float = 0.5) -> dict[str, float]:
        """Parameters of a polynomial, and of the second head where there is one."""
        names = list(TERMS)
        if self.declared.guidance is not None:
            names.append("label")
        found = {name: float(size * generator.standard_normal()) for name in names}
        # A label is a large number: guidance between two of them is not to drown what else there is.
        found |= {"label": 0.1 * found["label"]} if "label" in found else {}
        if self.declared.v_head:
            found |= {HEAD + name: float(size * generator.standard_normal()) for name in ("one", "z", "t")}
        return found

    def sample(
        self, generator: np.random.Generator, *, equal: bool = False, flat: bool = True, t: float | None = None
    ) -> GivenBatch:
        """One sample, as many copies of it as a call of the code takes.

        Args:
            generator: of the draws.
            equal: whether r = t.
            flat: whether all numbers of the sample are alike, so that ratios of gradients show what the network saw.
            t: its time; drawn where None.
        """
        shape = (1, *(1 for _ in self.declared.shape)) if flat else (1, *self.declared.shape)
        x, e = (np.broadcast_to(generator.standard_normal(shape), (1, *self.declared.shape)) for _ in range(2))
        low = max(0.5, min(2 * self.declared.t_min, 0.8))
        time = np.array([generator.uniform(low, 0.9) if t is None else t])
        start = time.copy() if equal else time * generator.uniform(0.2, 0.7)
        return self.copies(GivenBatch(x.copy(), e.copy(), start, time, np.array([self.label])))

    @property
    def knob(self) -> str:
        """The parameter that moves the velocity term alone: of a network that is shown one time, its constant."""
        return "one" if self.conduct.times == "only_t" else "gap"

    @property
    def label(self) -> int:
        """Class of the suite's samples."""
        return 0 if self.declared.guidance is None else self.declared.guidance.label

    def copies(self, batch: GivenBatch) -> GivenBatch:
        """A batch as large as a call of the code takes."""
        return batch.repeated(-(-self.declared.batch // len(batch.t)))


def trial(
    shape: Field, parameters: Parameters, batch: GivenBatch, knob: str, found: float, law: str, *, over: str = ""
) -> LossCall:
    """A call of the loss, as it is kept in a result."""
    name = "gaussian" if isinstance(shape, Gaussian) else "polynomial"
    return LossCall(field=name, parameters=dict(parameters), batch=batch, knob=knob, over=over, found=found, law=law)
