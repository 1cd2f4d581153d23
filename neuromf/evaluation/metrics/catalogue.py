"""The numbers of an evaluation: names, units, and which way is good."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One number.

    Attributes:
        key: its name in JSON.
        title: in a table.
        unit: empty where it has none.
        good: "low", "high" or "real": as near to what real scans have as can be.
        says: what it says, in a sentence.
    """

    key: str
    title: str
    unit: str
    good: str
    says: str


MEASURES = (
    Measure(
        "sliced_wasserstein", "sliced Wasserstein", "1e-3 latent", "low",
        "how far latents lie from those of held-out scans along random directions",
    ),
    Measure("mmd", "MMD squared", "1e-3", "low", "the same under a Gaussian kernel; about 0, or below it, where alike"),
    Measure("frechet_25d", "Frechet 2.5-D", "", "low", "how far features of slices lie from those of held-out scans"),
    Measure("frechet_3d", "Frechet 3-D", "", "low", "how far features of volumes lie from those of held-out scans"),
    Measure("ms_ssim", "MS-SSIM of pairs", "", "real", "how alike two volumes are; 1 where all are one"),
    Measure("precision", "precision", "", "high", "share of samples that lie among real scans"),
    Measure("recall", "recall", "", "high", "share of real scans that lie among samples"),
    Measure("density", "density", "", "high", "how deep samples lie among real scans; about 1 where alike"),
    Measure("coverage", "coverage", "", "high", "share of real scans with a sample near them"),
    Measure("spectrum", "spectrum", "dB", "low", "difference of the power of coarse and fine structure"),
    Measure("grey", "grey matter", "ml", "low", "distance of the distributions of its volume"),
    Measure("white", "white matter", "ml", "low", "distance of the distributions of its volume"),
    Measure("fluid", "fluid", "ml", "low", "distance of the distributions of its volume"),
    Measure("consistency", "far from most steps", "", "low",
            "distance from the same noise's sample in most evaluations, over that of two different samples"),
    Measure("nearest_train", "nearest training scan", "", "real",
            "distance to the nearest training scan over that of held-out scans; blur lowers it too"),
    Measure("copying", "nearness to training", "", "high",
            "nearest training over nearest held-out scan, in units of held-out scans' own; 1 where none is copied"),
    Measure("spread", "nearest other sample", "", "high",
            "distance to the nearest other sample, over that of real scans among as many; 0 where samples repeat"),
    Measure("diversity", "diversity", "", "high", "1 - MS-SSIM of pairs of samples, over that of pairs of real scans"),
)  # fmt: skip
BY_KEY = {measure.key: measure for measure in MEASURES}
