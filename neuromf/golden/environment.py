"""The fingerprint of an environment: versions and hardware on which a number may depend besides the code."""

from __future__ import annotations

import hashlib
import json
import platform

import monai
import numpy
import torch


def environment() -> dict[str, str]:
    """Versions, processor and the switches that change how numbers are computed."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "monai": monai.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "onednn": str(torch.backends.mkldnn.is_available()),  # type: ignore[no-untyped-call]
    }


def fingerprint(values: dict[str, str]) -> str:
    """Twelve hexadecimal digits that stand for an environment."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
