"""`neuromf data check-vae`: how much of the scans the autoencoder keeps, by region, with a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import ConfigArgument, DeviceOption, SetOption

if TYPE_CHECKING:
    import numpy as np

    from neuromf.data.reconstruction import Reconstruction

SHOWN = 4
"""Scans of the picture, the worst first."""
AMPLIFIED = 4
"""Factor on the differences of the picture, which are a few hundredths."""
PICTURES = (".png", ".jpg", ".pdf", ".svg")
"""Endings of names of pictures."""


def check_vae(
    config: ConfigArgument,
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="Scans, spread evenly over the cohort.")] = 8,
    out: Annotated[Path, typer.Option("--out", help="Picture to write.")] = Path("check-vae.png"),
    set_: SetOption = None,
    device: DeviceOption = None,
) -> None:
    """Encode and decode some scans with the configuration's autoencoder, and say what is lost where.

    PSNR, SSIM and MS-SSIM are medians over the scans; depths count from the skin. The gate judges them (DATA-008).
    """
    from neuromf_spec.registry import law

    from neuromf.cli.console import make_console, progress_bar
    from neuromf.cli.output_file import check_output_file
    from neuromf.config import load_config
    from neuromf.data.autoencoder_record import KeptQuality
    from neuromf.errors import InputError
    from neuromf.training.device.choice import choose_device
    from neuromf.training.latents.autoencoder_check import check_autoencoder

    if out.suffix.lower() not in PICTURES:
        remedy = f"end its name in one of {', '.join(PICTURES)}"
        raise InputError("is no name of a picture", remedy=remedy, file=out, key="--out")
    check_output_file(out, "--out")
    loaded, where, console = load_config(config, set_ or []), choose_device(device), make_console()
    with progress_bar("scans") as show:
        made = check_autoencoder(loaded, n, where, lambda done, total: show(done, total, ""))
    kept = KeptQuality.of(made)
    for line in _table(made):
        console.print(line, soft_wrap=True)
    finding = law("DATA-008").predicate(scans=kept.scans, psnr=kept.psnr, resampled_psnr=kept.resampled_psnr)
    word = "holds" if finding.passed else "WARNING: is broken"
    console.print(f"DATA-008 {word}: {kept.psnr:.2f} {finding.unit}, bound {finding.bound}", soft_wrap=True)
    if not finding.passed:
        console.print(law("DATA-008").remedy, soft_wrap=True)
    _draw(out, made)
    console.print(f"the worst scans, as they are and as they come back: {out}", soft_wrap=True)


def _table(made: Sequence[Reconstruction]) -> list[str]:
    from neuromf.data.reconstruction import median_parts, worst_first
    from neuromf.data.similarity import scales_of

    scales = scales_of(made[0].volume.shape)
    lines = [f"{'median of ' + str(len(made)):<16}{'PSNR dB':>9}{'SSIM':>8}{'MS-SSIM':>9}  ({scales} of 5 scales fit)"]
    for name, part in median_parts(made).items():
        coarse = "-" if math.isnan(part.ms_ssim) else f"{part.ms_ssim:.4f}"  # a thin region has no cell of every scale
        lines.append(f"{name:<16}{part.psnr:>9.2f}{part.ssim:>8.4f}{coarse:>9}")
    lines.append("worst scans, PSNR over the head:")
    return lines + [f"  {one.psnr:6.2f} dB  {one.scan_id}" for one in worst_first(made)[:SHOWN]]


def _draw(out: Path, made: Sequence[Reconstruction]) -> None:
    import numpy as np

    from neuromf.data.reconstruction import worst_first
    from neuromf.output import whole_file
    from neuromf.sampling.montage import draw_montage

    worst = worst_first(made)[:SHOWN]
    rows: dict[str, list[np.ndarray]] = {
        "scan": [one.volume for one in worst],
        "came back": [one.restored for one in worst],
        f"difference x {AMPLIFIED}": [AMPLIFIED * np.abs(one.restored - one.volume) for one in worst],
    }
    title = "   ".join(f"{one.psnr:.1f} dB" for one in worst) + " over the head, the worst first"
    with whole_file(out) as staging:
        draw_montage(staging, rows, title)
