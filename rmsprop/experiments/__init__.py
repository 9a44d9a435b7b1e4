"""What the chapters run.

Foundations: `problems` are functions to minimize, `rules` how points move, `paths` their runs,
`races` the search for the best rate, `compiled` what Numba makes of them. `networks` trains stacks
of small networks; `students` and `digits` are two tasks for them, `statistics` is what their seeds
say. `sweep` runs a task at many points and keeps what is finished, on the `engines`; `closure`
tells when a task's code has changed. `device` says where experiments in PyTorch run.

Of the moving average: `one_parameter` follows gradients, `gaussian_squares`, `bursts` and
`repeating_gradients` are such; `stored_averages` keeps it in few digits, `stored_training` trains
so, also the networks of `convolutions`. Of the rule: `scaling`
multiplies a problem by a factor,
`step_lengths` and `given_gradients` take gradients as given, `eps_cycle` varies eps,
`one_difference` one option at a time, `linear_layer` is the smallest network, `textbook` a run
known from elsewhere; `accesses` and `state_bytes` count what a step touches and keeps. Of
centering: `variance`, `cancellation` and `steady_gradients` are how it fails, `survival` and
`signal_to_noise` what comes of it in networks. Of alpha: `defaults` are what others use; `ringing`
and `spikes` happen at a minimum; `traps` are sequences on which RMSprop goes the wrong way, with
`regret`, `random_slopes` go there by chance, `parabolas` where the loss is curved. Of contours:
`valleys`, `walks` and `escapes`; `scopes` runs a race under other conditions. Of the floor:
`floors` watches runs hover, over a `flat` vector of weights or `softmax` regression; `sharpness` is
the edge they stand on, `drifts` what they prefer, `momentum_cycles` when they are quiet. Of the
size of a batch: `batches` trains with any, `noisy_weights` follows weights with noise, and
`decayed` what decay makes of them. Of the bias of a short memory: `divisors` has remedies and the
orders of batches, `regressions` losses with known minima. Of geometry: `margins`, the trap of
`unseen` examples, `rare_words`, `eigenbasis`.
"""
