"""A small cohort, a small untrained codec and a latent store of them, made once a session."""

import shutil

import pytest
import torch

from neuromf.data.demo import build_demo_cohort
from neuromf.data.latents import encode_cohort
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store_settings import StoreSettings
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Three demonstration subjects; read only."""
    return build_demo_cohort(tmp_path_factory.mktemp("demo") / "cohort", subjects=3, seed=0)


@pytest.fixture(scope="session")
def preprocessing():
    """A coarse grid, quick to encode."""
    return Preprocessing(spacing_mm=6.0, shape=(32, 36, 32), intensity_percentiles=(0.0, 99.5))


@pytest.fixture(scope="session")
def codec():
    """An untrained four-channel codec."""
    architecture = VaeArchitecture(num_channels=(8, 8, 8), num_res_blocks=(1, 1, 1), norm_num_groups=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LatentCodec(build_vae(architecture), architecture, scale_factor=1.25)


@pytest.fixture(scope="session")
def split():
    """Keyword arguments that give each of three subjects another split."""
    return {"split_ratios": (0.4, 0.3, 0.3), "split_seed": 42}


@pytest.fixture(scope="session")
def pristine_store(tmp_path_factory, cohort, preprocessing, codec, split):
    """The cohort's latent store; read only."""
    out = tmp_path_factory.mktemp("store") / "latents"
    return encode_cohort(cohort, out, StoreSettings(preprocessing, codec, **split))


@pytest.fixture
def store_folder(tmp_path, pristine_store):
    """A copy of the store that a test may damage."""
    return shutil.copytree(pristine_store.path, tmp_path / "latents")
