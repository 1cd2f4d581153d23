"""A run on a cluster: the whole gate, a ticket, a job script that trains what the ticket names, and its submission."""
