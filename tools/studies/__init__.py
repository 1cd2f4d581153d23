"""Studies: each made a table that the project cites. The product does not import them."""
