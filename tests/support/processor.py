"""On which kind of processor a test runs: those of one kind round alike, nearly."""

import torch

AS_MEASURED = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
"""Whether torch uses the instructions that it used where the kept numbers were made."""
