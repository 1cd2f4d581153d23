"""Each live reading of a law at its bound: numbers on either side, and the way by which a run brings them to it."""

from tests.support.edges.edge import Edge
from tests.support.edges.of_evaluation import evaluation_edges
from tests.support.edges.of_gate import gate_edges
from tests.support.edges.of_guard import guard_edges
from tests.support.edges.of_launch import launch_edges
from tests.support.edges.of_own_network import own_network_edges
from tests.support.edges.of_rerun import rerun_edges
from tests.support.edges.of_step import step_edges
from tests.support.edges.of_validation import validation_edges

EDGES: tuple[Edge, ...] = (
    *step_edges(),
    *launch_edges(),
    *gate_edges(),
    *guard_edges(),
    *rerun_edges(),
    *own_network_edges(),
    *validation_edges(),
    *evaluation_edges(),
)

__all__ = ["EDGES", "Edge"]
