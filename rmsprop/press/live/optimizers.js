/* The update rules of the live figures: numbers in, numbers out, nothing of the page.
 *
 * They are the rules of rmsprop.experiments.rules, in the same order of operations and with the same
 * names; tests/book compares every step with rmsprop.RMSprop and torch.optim.
 * A rule has start(), the state before the first step, and step(param, grad, state, options), which
 * changes param and state, arrays of one number per coordinate. What each step divided the gradient
 * by is left in state.root (sqrt(v)) and lr over all of the denominator in state.rate.
 */
const Live = { data: {} };

Live.optimizers = (() => {
  "use strict";

  const zeros = () => [0, 0];

  const descent = {
    start: () => ({ momentum_buffer: zeros() }),
    step(param, grad, state, options) {
      for (let i = 0; i < param.length; i++) {
        const buffer = options.momentum * state.momentum_buffer[i] + grad[i];
        state.momentum_buffer[i] = buffer;
        param[i] -= options.lr * buffer;
      }
    },
  };

  const rmsprop = {
    start: () => ({
      square_avg: zeros(),
      grad_avg: zeros(),
      grad_var: zeros(),
      momentum_buffer: zeros(),
      root: zeros(),
      rate: zeros(),
    }),
    step(param, grad, state, { lr, alpha, eps, momentum, centered }) {
      for (let i = 0; i < param.length; i++) {
        const g = grad[i];
        let average;
        if (centered) {
          // The variance as a sum of squares: rounding cannot make it negative.
          const deviation = g - state.grad_avg[i];
          state.grad_avg[i] += (1 - alpha) * deviation;
          average = alpha * (state.grad_var[i] + (1 - alpha) * (deviation * deviation));
          state.grad_var[i] = average;
        } else {
          average = alpha * state.square_avg[i] + (1 - alpha) * (g * g);
          state.square_avg[i] = average;
        }
        state.root[i] = Math.sqrt(average);
        const divisor = Live.divisor(state.root[i], eps);
        state.rate[i] = lr / divisor;
        state.momentum_buffer[i] = momentum * state.momentum_buffer[i] + g / divisor;
        param[i] -= lr * state.momentum_buffer[i];
      }
    },
  };

  const adam = {
    start: () => ({ t: 0, grad_avg: zeros(), square_avg: zeros(), root: zeros(), rate: zeros() }),
    step(param, grad, state, { lr }) {
      const beta1 = 0.9;
      const beta2 = 0.999;
      const eps = 1e-8;
      state.t += 1;
      for (let i = 0; i < param.length; i++) {
        const g = grad[i];
        state.grad_avg[i] = beta1 * state.grad_avg[i] + (1 - beta1) * g;
        state.square_avg[i] = beta2 * state.square_avg[i] + (1 - beta2) * (g * g);
        const mean = state.grad_avg[i] / (1 - beta1 ** state.t);
        state.root[i] = Math.sqrt(state.square_avg[i] / (1 - beta2 ** state.t));
        state.rate[i] = lr / (state.root[i] + eps);
        param[i] -= (lr * mean) / (state.root[i] + eps);
      }
    },
  };

  // Heavy-ball momentum is gradient descent with a momentum.
  return { descent, momentum: descent, rmsprop, adam };
})();

// What a gradient is divided by: where that would be 0, the parameter stays, as in the library.
Live.divisor = (root, eps) => (root + eps === 0 ? Infinity : root + eps);

/* Run a rule on a problem. Where options.decay is true, lr falls linearly, to 0 after the last step.
 * Returns the points, their losses, the gradients at them, and for the rules that have them sqrt(v)
 * and the effective rate of every step. A run ends early when a number is no longer finite or
 * farther than 1e6 from the start: diverged is then the step that did it, else null. */
Live.run = (rule, problem, options, start, steps) => {
  "use strict";
  const optimizer = Live.optimizers[rule];
  const state = optimizer.start();
  const param = [...start];
  const run = {
    points: [[...start]],
    losses: [problem.value(start)],
    gradients: [],
    roots: [],
    rates: [],
    diverged: null,
  };
  for (let t = 1; t <= steps; t++) {
    const lr = options.decay ? options.lr * (1 - (t - 1) / steps) : options.lr;
    const grad = problem.gradient(param, t);
    optimizer.step(param, grad, state, { ...options, lr });
    problem.project(param);
    const loss = problem.value(param);
    const distance = Math.hypot(param[0] - start[0], param[1] - start[1]);
    // Written so that NaN fails it too.
    if (!(distance < 1e6 && Math.abs(loss) < Infinity)) {
      run.diverged = t;
      break;
    }
    run.points.push([...param]);
    run.losses.push(loss);
    run.gradients.push(grad);
    if (state.root) {
      run.roots.push([...state.root]);
      run.rates.push([...state.rate]);
    }
  }
  return run;
};

/* Return the averages that RMSprop keeps of a sequence of gradients of one parameter, sqrt(v), and
 * the step in units of lr, g / (sqrt(v) + eps), at every t. */
Live.averages = (grads, alpha, eps) => {
  "use strict";
  const kept = { grad_avg: [], square_avg: [], root: [], step: [] };
  let grad_avg = 0;
  let square_avg = 0;
  for (const g of grads) {
    grad_avg = alpha * grad_avg + (1 - alpha) * g;
    square_avg = alpha * square_avg + (1 - alpha) * (g * g);
    const root = Math.sqrt(square_avg);
    kept.grad_avg.push(grad_avg);
    kept.square_avg.push(square_avg);
    kept.root.push(root);
    kept.step.push(g / Live.divisor(root, eps));
  }
  return kept;
};

/* Return a recipe for batches that are so many times as large, as rmsprop.equations.move_recipe. */
Live.moveRecipe = ({ lr, alpha, eps, weightDecay }, factor, power) => ({
  lr: lr * factor ** power,
  alpha: alpha ** factor,
  eps: eps / Math.sqrt(factor),
  weightDecay: weightDecay * factor ** (1 - power),
});
