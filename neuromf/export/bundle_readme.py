"""`docs/README.md` of a bundle: how it is run, what it is, and how good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import neuromf
from neuromf.export.bundle_metadata import PACKAGES, USE
from neuromf.export.licence import Licence

TEXT = """# MeanFlow of 3D brain MRI

Draws T1-weighted heads. Exported by neuromf {version}, which it does not need.

## Run

```sh
pip install torch monai fire {packages}
cd THIS_FOLDER
python -m monai.bundle run --config_file configs/inference.json
python -m monai.bundle run --config_file configs/inference.json --count 2 --steps 10 --seed 3 --output_dir heads
```

It writes `sample-0000_T1w.nii.gz` and so on: the heads that `neuromf sample` draws by the same seed and number of
steps, but for rounding. In Python, from this folder:

```python
from monai.bundle import ConfigParser
parser = ConfigParser(ConfigParser.load_config_file("configs/inference.json"))
network = parser.get_parsed_content("network")    # u(z, r, t)
decoder = parser.get_parsed_content("decoder")    # normalised latents to volumes
```

## Model

- Network: MONAI's DiffusionModelUNet, told its times by embeddings of their own (`scripts/network.py`);
  {parameters:,} parameters.
- Weights: {weights}.
- {path}.
- {velocity}. {step}.
- Followed: {followed}.
- Latents: {shape}, {normalisation}; {decoding}.
- Weights are safetensors, numbers alone. A configuration of MONAI is code all the same: run one that you trust.

## What is known of it

- The gate, when the training began: {gate}.
- Laws of neuromf {version} that its configuration breaks: {broken}.
- {evaluation}
- All of it, with intervals, configuration and versions, is in `provenance.json`.

## Use

For {use}. A network may have learnt some training scans by heart. See EVAL-004 in
`provenance.json`, where it was judged.

Licence of the weights: {licence}. See `LICENSE`.
"""


def bundle_readme(story: Mapping[str, Any], licence: Licence) -> str:
    """The page of a bundle.

    Args:
        story: `provenance` of the run.
        licence: of the weights.
    """
    said, now = story["conventions"], story["gate"]["now"]
    broken = [law for status in ("block", "policy", "warn") for law in now[status]]
    return TEXT.format(
        version=neuromf.__version__,
        packages=" ".join(PACKAGES),
        parameters=story["parameters"],
        weights=story["weights"],
        shape=said["latent_shape"],
        gate=story["gate"]["when_it_began"],
        broken=", ".join(broken) or "none",
        evaluation=_evaluation(story["evaluation"]),
        use=USE,
        licence=licence.name,
        **{key: said[key] for key in ("path", "velocity", "step", "followed", "normalisation", "decoding")},
    )


def _evaluation(found: Any) -> str:  # noqa: ANN401 - a document, or a sentence where there is none
    if not isinstance(found, dict):
        return f"It was {found}."
    said = ", ".join(f"{verdict['law_id']} {verdict['judged']}" for verdict in found["verdicts"])
    return f"Evaluation of {found['count']} samples against {found['held_out_scans']} held-out scans: {said}."
