"""Live figures: what each shows, in Python, and its scripts and style beside it."""
