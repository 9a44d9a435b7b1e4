"""What the chapters run.

Foundations: `problems` are functions to minimize, `rules` how points move, `paths` their runs,
`races` the search for the best rate, `compiled` what Numba makes of them. `networks` trains stacks
of small networks; `students` and `digits` are two tasks for them, `schedules` makes rates that
change, `device` says where they run, `statistics` what their seeds say.

Subjects: `scaling` multiplies a problem by a factor, `step_lengths` takes gradients as given,
`eps_cycle` and `eps_outcome` vary eps, `linear_layer` is the smallest network, `textbook` a run
known from elsewhere. `traps` are sequences on which RMSprop goes the wrong way, with `regret`;
`random_slopes` go there by chance, `parabolas` where the loss is curved. `ringing` and `spikes` are
what happens at a minimum, `steady_gradients` those on which centering fails.
"""
