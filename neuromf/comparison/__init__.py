"""Two traces side by side: where they part first, and what that says."""
