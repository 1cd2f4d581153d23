"""Configuration as typed data: schema, YAML layers, resolved text. Imports neither torch nor numpy."""

from neuromf.config.derived import RunFacts, run_facts
from neuromf.config.load import load_config
from neuromf.config.resolve import config_hash, resolved_text
from neuromf.config.schema import Config

__all__ = ["Config", "RunFacts", "config_hash", "load_config", "resolved_text", "run_facts"]
