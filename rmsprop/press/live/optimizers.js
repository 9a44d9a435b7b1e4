/* The update rules of the live figures: numbers in, numbers out, nothing of the page.
 *
 * They are the rules of rmsprop.experiments.rules, in the same order of operations and with the same
 * names; tests/book compares every step with rmsprop.RMSprop and torch.optim.
 * A rule has start(), the state before the first step, and step(param, grad, state, options), which
 * changes param and state, arrays of one number per coordinate. What each step divided the gradient
 * by is left in state.root (sqrt(v)) and lr over all of the denominator in state.rate.
 */
var Live = { data: {} };

Live.optimizers = (function () {
  "use strict";

  function zeros() {
    return [0, 0];
  }

  var descent = {
    start: function () {
      return { momentum_buffer: zeros() };
    },
    step: function (param, grad, state, options) {
      for (var i = 0; i < param.length; i++) {
        var buffer = options.momentum * state.momentum_buffer[i] + grad[i];
        state.momentum_buffer[i] = buffer;
        param[i] -= options.lr * buffer;
      }
    },
  };

  var rmsprop = {
    start: function () {
      return {
        square_avg: zeros(),
        grad_avg: zeros(),
        grad_var: zeros(),
        momentum_buffer: zeros(),
        root: zeros(),
        rate: zeros(),
      };
    },
    step: function (param, grad, state, options) {
      var alpha = options.alpha;
      for (var i = 0; i < param.length; i++) {
        var g = grad[i];
        var average;
        if (options.centered) {
          // The variance as a sum of squares: rounding cannot make it negative.
          var deviation = g - state.grad_avg[i];
          state.grad_avg[i] += (1 - alpha) * deviation;
          average = alpha * (state.grad_var[i] + (1 - alpha) * (deviation * deviation));
          state.grad_var[i] = average;
        } else {
          average = alpha * state.square_avg[i] + (1 - alpha) * (g * g);
          state.square_avg[i] = average;
        }
        state.root[i] = Math.sqrt(average);
        var denominator = state.root[i] + options.eps;
        state.rate[i] = options.lr / denominator;
        state.momentum_buffer[i] =
          options.momentum * state.momentum_buffer[i] + g / denominator;
        param[i] -= options.lr * state.momentum_buffer[i];
      }
    },
  };

  var adam = {
    start: function () {
      return { t: 0, grad_avg: zeros(), square_avg: zeros(), root: zeros(), rate: zeros() };
    },
    step: function (param, grad, state, options) {
      var beta1 = 0.9;
      var beta2 = 0.999;
      var eps = 1e-8;
      state.t += 1;
      for (var i = 0; i < param.length; i++) {
        var g = grad[i];
        state.grad_avg[i] = beta1 * state.grad_avg[i] + (1 - beta1) * g;
        state.square_avg[i] = beta2 * state.square_avg[i] + (1 - beta2) * (g * g);
        var mean = state.grad_avg[i] / (1 - Math.pow(beta1, state.t));
        state.root[i] = Math.sqrt(state.square_avg[i] / (1 - Math.pow(beta2, state.t)));
        state.rate[i] = options.lr / (state.root[i] + eps);
        param[i] -= (options.lr * mean) / (state.root[i] + eps);
      }
    },
  };

  // Heavy-ball momentum is gradient descent with a momentum.
  return { descent: descent, momentum: descent, rmsprop: rmsprop, adam: adam };
})();

/* Run a rule on a problem. Returns the points, their losses, the gradients at them, and for the rules
 * that have them sqrt(v) and the effective rate of every step. A run ends early when a number is no longer finite or
 * farther than 1e6 from the start: diverged is then the step that did it, else null. */
Live.run = function (rule, problem, options, start, steps) {
  "use strict";
  var optimizer = Live.optimizers[rule];
  var state = optimizer.start();
  var param = start.slice();
  var run = { points: [start.slice()], losses: [problem.value(start)] };
  run.gradients = [];
  run.roots = [];
  run.rates = [];
  run.diverged = null;
  for (var t = 1; t <= steps; t++) {
    var grad = problem.gradient(param, t);
    optimizer.step(param, grad, state, options);
    problem.project(param);
    var loss = problem.value(param);
    var distance = Math.hypot(param[0] - start[0], param[1] - start[1]);
    // Written so that NaN fails it too.
    if (!(distance < 1e6 && Math.abs(loss) < Infinity)) {
      run.diverged = t;
      break;
    }
    run.points.push(param.slice());
    run.losses.push(loss);
    run.gradients.push(grad);
    if (state.root) {
      run.roots.push(state.root.slice());
      run.rates.push(state.rate.slice());
    }
  }
  return run;
};

/* Return the averages that RMSprop keeps of a sequence of gradients of one parameter, sqrt(v), and
 * the step in units of lr, g / (sqrt(v) + eps), at every t. */
Live.averages = function (grads, alpha, eps) {
  "use strict";
  var kept = { grad_avg: [], square_avg: [], root: [], step: [] };
  var grad_avg = 0;
  var square_avg = 0;
  grads.forEach(function (g) {
    grad_avg = alpha * grad_avg + (1 - alpha) * g;
    square_avg = alpha * square_avg + (1 - alpha) * (g * g);
    var root = Math.sqrt(square_avg);
    kept.grad_avg.push(grad_avg);
    kept.square_avg.push(square_avg);
    kept.root.push(root);
    kept.step.push(g === 0 ? 0 : g / (root + eps));
  });
  return kept;
};
