"""What torch allocates on the CPU, as its profiler counts."""

from itertools import accumulate

from torch.profiler import ProfilerActivity, profile


def peak_of(work):
    """Return how many bytes are allocated at most beyond what there was before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    events = (e for e in record.profiler.kineto_results.events() if e.name() == "[memory]")
    changes = (e.nbytes() for e in sorted(events, key=lambda event: event.start_ns()))
    return max(accumulate(changes), default=0)
