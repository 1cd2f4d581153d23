"""The gate and the launch of a network that the user's own code builds."""

import pytest

from neuromf.config import load_config
from neuromf.gate.fact_checks import unknown_laws
from neuromf.gate.scale import small_scale
from neuromf.gate.smoke import NOT_ZERO, run_smoke
from neuromf.gate.static import static_findings
from neuromf.launch.resources import resources
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_source import vae_source

NETS, VAES = "tests.support.own_package.nets", "tests.support.own_package.vaes"
OWN_VAE = (
    "vae.checkpoint=factory", f"vae.factory={VAES}:build", "vae.latent_channels=6", "vae.stride=8",
    "data.shape=[64,64,64]",
)  # fmt: skip


def config_of(name, *overrides):
    """A configuration whose network that callable builds."""
    return load_config("recommended", [f"unet.factory={NETS}:{name}", *overrides])


@pytest.fixture
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))


@pytest.mark.law("PRED-002")
@pytest.mark.usefixtures("_cache")
def test_a_short_training_judges_an_own_network():
    """By the laws that only it can answer, on latents of the own autoencoder; a start that is not zero is said."""
    config = config_of("build", *OWN_VAE, "unet.small_options.width=4", "training.init_from=/nowhere")
    found = run_smoke(config, {})
    judged = {result.law_id: result.status for result in found.results}
    assert {"CKPT-001", "NUM-002", "LOSS-001", "EMA-003", "NET-001", "JVP-001", "JVP-005", "JVP-003"} <= judged.keys()
    assert "PRED-002" not in judged
    assert found.note == f"from scratch, not from training.init_from; {NOT_ZERO}"
    assert (found.config.latent_shape, len(found.rows)) == ((6, 16, 16, 16), 30)
    assert [name for name in found.rows[0] if name.startswith("raw_ch")][-1] == "raw_ch5"


def test_what_is_not_known_on_paper_is_not_judged():
    """The scale of the times and the type of their embedding; of a u-prediction the width of a token too."""
    assert unknown_laws(config_of("build")) == ["JVP-005", "PREC-002"]
    assert unknown_laws(config_of("build", "meanflow.prediction=u")) == ["JVP-005", "PRED-003", "PREC-002"]
    assert unknown_laws(load_config("recommended")) == []
    judged = {result.law_id for result in static_findings(config_of("build"), {})}
    assert {"JVP-005", "PREC-002"} & judged == set()
    difference = config_of("build", "meanflow.jvp=finite_difference", "meanflow.fd_step=0.01")
    assert "JVP-003" in unknown_laws(difference)


@pytest.mark.law("CFG-001")
def test_the_short_training_takes_the_small_options():
    """Over the others, at a rate for a net of that size."""
    config = config_of("build", "unet.factory_options.width=8", "unet.small_options.width=4")
    small = small_scale(config)
    assert small.unet.factory_options == {"width": 4}
    assert small.training.learning_rate > config.training.learning_rate
    assert small_scale(config_of("build")).unet.factory == config.unet.factory


def test_a_job_is_planned_for_own_code():
    """By its parameters, and the width of the autoencoder's first convolution."""
    config = config_of("build", *OWN_VAE)
    vae = load_vae(vae_source(config.vae)).architecture
    assert vae.num_channels == (6,)
    assert resources(config, vae, 10, 0).memory_gib > 0


def test_a_start_from_another_run_is_no_start_from_scratch():
    """OPT-006 asks less of a fine-tuning."""
    short = ("training.epochs=40", "training.learning_rate=0.000002")
    found = {
        named: next(
            r for r in static_findings(load_config("recommended", [*short, *named]), {}) if r.law_id == "OPT-006"
        )
        for named in ((), ("training.init_from=/run",))
    }
    scratch, tuned = found.values()
    assert scratch.detail != tuned.detail
