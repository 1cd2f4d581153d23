"""The guard for a training loop of any code: no configuration, network or data of ours."""
