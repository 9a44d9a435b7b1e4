/* A recipe of RMSprop, moved to batches of another size. */
Live.moveRecipe = ({ lr, alpha, eps, weightDecay }, factor, power) => ({
  lr: lr * factor ** power,
  alpha: alpha ** factor,
  eps: eps / Math.sqrt(factor),
  weightDecay: weightDecay * factor ** (1 - power),
});
