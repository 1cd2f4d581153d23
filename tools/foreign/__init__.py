"""Public MeanFlow codes judged by the laws: adapters, where a user's checkouts lie, the table of what was found."""
