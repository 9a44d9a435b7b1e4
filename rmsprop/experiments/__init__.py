"""What the chapters run.

`problems` are functions to minimize, `rules` how points move, `paths` their runs and `races` the
search for the best rate, compiled. `networks` trains stacks of small networks, `students` and
`digits` are two tasks for them, `statistics` what their seeds say. `traps` are sequences on which
RMSprop goes the wrong way, with `regret`; `random_slopes` go there by chance, `parabolas` where the
loss is curved. `ringing` and `spikes` are what happens at a minimum, `steady_gradients` those on
which centering fails. `device` says where all of it runs.
"""
