"""The two small configurations whose reports the README shows."""

from pathlib import Path

from neuromf.config import load_config
from neuromf.config.resolve import flat_config
from neuromf.replay.small_scale import REPAIRS, small_config

ROOT = Path(__file__).parents[3] / "golden" / "readme"
RECORDING = {"training.checkpoint_every_steps", "training.diagnostics"}


def differences(files, repair):
    """Keys in which README's configuration is not the replay's."""
    ours = flat_config(load_config(["failed_225", *(ROOT / name for name in files)]))
    theirs = flat_config(small_config(next(r for r in REPAIRS if r.name == repair), seed=0, epochs=60))
    return {key for key, value in ours.items() if value != theirs[key]} - RECORDING


def test_the_failed_one_is_the_replays_with_an_armed_guard():
    """Nothing else that trains is different."""
    assert differences(["small.yaml"], "none") == {"training.divergence_threshold"}


def test_the_corrected_one_is_the_laws_repair_with_another_loss_reported():
    """Exact derivative, time scale 1 and float32."""
    both = {"training.divergence_threshold", "training.reported_loss"}
    assert differences(["small.yaml", "corrected.yaml"], "laws_together") == both
