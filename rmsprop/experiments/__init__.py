"""What the chapters run.

`problems` are functions to minimize, `rules` how points move, `paths` their runs and `races` the
search for the best rate, compiled; `scaling` multiplies a problem by a factor. `networks` trains
stacks of small networks, `students` and `digits` are two tasks for them, `eps_outcome` varies eps
in the first, `schedules` makes rates that change, and `linear_layer` is the smallest network.
`step_lengths` takes gradients as given, `eps_cycle` runs on a parabola, `textbook` is a run known
from elsewhere. `traps` are sequences on which RMSprop goes the wrong way, `steady_gradients` those
on which centering fails. `statistics` sums seeds up; `device` says where all of it runs.
"""
