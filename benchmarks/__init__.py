"""How long a step takes: our kernels against torch's optimizers and the speed of memory itself."""
