"""What a declaration already says of a run's configuration, in the names of the facts."""

from __future__ import annotations

from neuromf_spec.conformance.declaration import Declaration


def declared_facts(declared: Declaration) -> dict[str, object]:
    """Facts that an adapter need not give twice.

    Lengths and sizes are left out: those of an adapter are made small for the suite.
    """
    found: dict[str, object] = {
        "prediction": declared.prediction,
        "norm_p": declared.norm_p,
        "norm_eps": declared.norm_eps,
        "derivative": declared.derivative,
    }
    if declared.reduction in ("sum", "mean"):
        found["reduction"] = declared.reduction
    if declared.prediction == "x" and declared.t_min > 0:
        found["clamp_t_min"] = declared.t_min
    if declared.derivative != "exact":
        found["difference_step"] = declared.step
    if declared.average is not None:
        found["ema_decay"] = declared.average.decay
    return {name: value for name, value in (found | _of_times(declared)).items() if value is not None}


def _of_times(declared: Declaration) -> dict[str, object]:
    times = declared.times
    if times is None:
        return {}
    found: dict[str, object] = {"data_proportion": times.data_proportion, "sampler_t_min": times.t_min}
    if times.distribution == "uniform":
        return found
    logits = {"mu": times.mu, "sigma": times.sigma, "r_mu": times.r_mu, "r_sigma": times.r_sigma}
    return found | logits | {"uniform_fraction": times.uniform_fraction}
