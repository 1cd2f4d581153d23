"""A plan in plain words, for a terminal and for the gate's page."""

from __future__ import annotations

from neuromf.counted import counted
from neuromf.plan.estimate import Plan
from neuromf.readable import rounded


def told(found: Plan) -> list[tuple[str, str]]:
    """What is told, and what is said of it."""
    fits = "fits" if found.fits else "does NOT fit"
    most = found.largest_micro_batch
    other = f"the largest that fits is {most}" if most else "no micro-batch fits"
    hours = found.encoding_gpu_hours
    encoding = [] if hours is None else [("encoding of the cohort", f"{rounded(hours)} GPU-hours")]
    latents = [] if found.latents_gib is None else [("latents of the cohort", f"{rounded(found.latents_gib)} GiB")]
    return [
        ("network", f"{found.parameters / 1e6:.1f} M parameters"),
        (
            "memory on each GPU",
            f"{found.peak_gib:.1f} GiB in tensors ({found.state_gib:.1f} weights twice, moments and average, "
            f"{found.step_gib:.1f} gradients and activations); {found.gpu} has {found.memory_gib:.1f}",
        ),
        (f"micro-batch of {found.micro_batch}", f"{fits}; {other}"),
        (
            "a step",
            f"{rounded(found.step_tflop)} TFLOP on {counted(found.gpus, 'GPU')}, "
            f"{rounded(found.samples_per_second)} samples a second",
        ),
        ("the run", f"{found.steps} steps, {rounded(found.gpu_hours)} GPU-hours"),
        ("checkpoints", f"{found.checkpoint_gib:.2g} GiB each, {found.kept_checkpoints} kept"),
        *encoding,
        *latents,
        ("how the time is known", found.assumption),
    ]
