"""What a micro-batch is drawn from, and in which order."""

import numpy as np
import pytest
import torch

from neuromf.flow.batch import draw_batch
from neuromf.flow.settings import TimeSettings
from neuromf.flow.times import draw_times, fm_mask


@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.parametrize("share", [0.25, 0.6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_is_its_draws_in_order(start, share, dtype):
    """Two normals and three uniforms a sample give the times, the next normals the noise, all in the data's type."""
    settings, x = TimeSettings(data_proportion=share, mu=0.3), torch.arange(40, dtype=dtype).reshape(5, 2, 4)
    batch = draw_batch(x, settings, np.random.default_rng(3), start=start)

    drawn = np.random.default_rng(3)
    normals, uniforms = drawn.standard_normal((5, 2)), drawn.random((5, 3))
    times = draw_times(normals, uniforms, fm_mask(start, 5, share), settings)
    noise = torch.from_numpy(drawn.standard_normal((5, 2, 4), dtype=np.float32)).to(dtype)
    expected = (x, noise, torch.from_numpy(times.r_B).to(dtype), torch.from_numpy(times.t_B).to(dtype))
    for found, wanted in zip((batch.x, batch.e, batch.r_B, batch.t_B), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
