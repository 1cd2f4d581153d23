"""Keys that came after runs had been recorded: what was recorded without them is still the same run."""

import dataclasses
import hashlib
import json

import pytest

from neuromf.config import Config, config_hash, load_config, resolved_text
from neuromf.config.recipe_files import recipe_names
from neuromf.config.recorded import read_recorded
from neuromf.config.resolve import ADDED, flat_config
from neuromf.errors import InputError
from neuromf.flow.settings import ObjectiveSettings, TimeSettings
from neuromf.training.records.run_folder import create_run, open_run
from tests.support.tiny_run import make_tiny_config

LOST_RUN = "883710359efbea6bf80c6c9ac5867e73cc35ea0e827ad384baab5265da5554fc"
"""Hash of the recipe `failed_225` before the first of these keys."""


def without(text, keys):
    return "".join(line for line in text.splitlines(keepends=True) if line.partition(":")[0] not in keys)


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_recipe_has_the_hash_that_it_had_before_the_added_keys(recipe):
    """Tickets and checkpoints of earlier versions belong to the same configuration."""
    config = load_config(recipe)
    assert config_hash(config) == hashlib.sha256(without(resolved_text(config), ADDED).encode()).hexdigest()
    assert config_hash(load_config("failed_225")) == LOST_RUN


@pytest.mark.parametrize("key", ADDED)
def test_an_added_key_is_left_out_of_the_hash_at_its_default_alone(key):
    """The schema's default means what was done before, and is the value that does not count."""
    assert flat_config(Config())[key] == ADDED[key]
    assert f"\n{key}: " in f"\n{resolved_text(Config())}"


def test_the_flow_settings_have_the_same_defaults():
    """Who calls the mathematics without a configuration gets what was done before, too."""
    for settings, section in ((ObjectiveSettings(), "meanflow"), (TimeSettings(), "time_sampling")):
        # As a text has them, where a tuple is a list.
        known = json.loads(json.dumps(dataclasses.asdict(settings)))
        kept = {f"{section}.{name}": value for name, value in known.items()}
        assert {key: kept[key] for key in ADDED if key in kept} == {key: ADDED[key] for key in ADDED if key in kept}


def test_a_record_without_the_added_keys_is_read_as_the_same_configuration(tmp_path):
    """A run's `config.yaml` of an earlier version stands for the configuration that the defaults complete."""
    config = make_tiny_config()
    (tmp_path / "config.yaml").write_text(without(resolved_text(config), ADDED))
    assert read_recorded(tmp_path / "config.yaml") == config


def test_a_run_of_an_earlier_version_is_opened_as_itself(tmp_path):
    """Resumed with today's defaults it is the same run; with an added key set it is refused by that key's name."""
    config = make_tiny_config()
    run = create_run(tmp_path / "run", config, "")
    run.config.write_text(without(run.config.read_text(), ADDED))
    assert open_run(run.root, config)[1] == config
    with pytest.raises(InputError) as caught:
        open_run(run.root, make_tiny_config("meanflow.fd_scheme=central"))
    assert caught.value.key == "meanflow.fd_scheme"


def test_a_record_that_is_cut_anywhere_is_refused(tmp_path):
    """Also within the keys that came later and stand last, where the rest alone might be an earlier version's."""
    lines = resolved_text(make_tiny_config("vae.tile_voxels=16")).splitlines(keepends=True)
    for count in range(1, len(lines)):
        (tmp_path / "config.yaml").write_text("".join(lines[:count]))
        with pytest.raises(InputError):
            read_recorded(tmp_path / "config.yaml")
