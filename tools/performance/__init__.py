"""What a step costs: time and memory beside plain flow matching and beside the plain formulation."""
