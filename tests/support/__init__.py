"""What several tests share: tiny runs, fake clusters, processes that are killed, strategies for hypothesis."""
