"""What the chapters run.

`problems` are functions to minimize, `rules` how points move, `paths` their runs and `races` the
search for the best rate, compiled. `networks` trains stacks of small networks, `students` and
`digits` are two tasks for them. `traps` are sequences on which RMSprop goes the wrong way,
`steady_gradients` those on which centering fails. `one_parameter` gives gradients to torch's
RMSprop; `repeating_gradients` cancel, `bursts` are remembered, and `gaussian_squares` are averaged
without end. `accesses` counts what a step reads and writes. `device` says where all of it runs.
"""
