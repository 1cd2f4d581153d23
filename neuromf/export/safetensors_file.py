"""Weights as safetensors, with their story in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from neuromf.export.subject import ExportedRun

SUFFIX = ".safetensors"


def write_weights(path: Path, subject: ExportedRun, story: Mapping[str, Any]) -> None:
    """Write the weights that the run is sampled with.

    Args:
        path: file to write.
        subject: the run.
        story: `provenance` of it; each key becomes one of the header's, as text, or as JSON where it is no text.
    """
    tensors = {name: tensor.detach().contiguous() for name, tensor in subject.net.state_dict().items()}
    save_file(tensors, path, metadata={"format": "pt", **header(story)})
    path.chmod(0o644)  # safetensors writes 0600, which would not survive packaging for other users


def header(story: Mapping[str, Any]) -> dict[str, str]:
    """The story as texts by name, which is all that a header of safetensors holds."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in story.items()}
