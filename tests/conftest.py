"""Property-based tests draw the same examples on every machine and have no deadline."""

import os

from hypothesis import settings

os.environ["MPLBACKEND"] = "agg"
settings.register_profile(
    "reproducible", derandomize=True, deadline=None, database=None, max_examples=50
)
settings.load_profile("reproducible")
