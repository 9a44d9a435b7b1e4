/* The surfaces of the explorer: value and partial derivatives, as in rmsprop/experiments/problems.py. */
Live.surfaces = (function () {
  "use strict";

  var beale = [1.5, 2.25, 2.625];

  return {
    quadratic: {
      value: function (x, y, condition) {
        return (x * x + condition * y * y) / 2;
      },
      partials: function (x, y, condition) {
        return [x, condition * y];
      },
    },
    rosenbrock: {
      value: function (x, y) {
        return Math.pow(1 - x, 2) + 100 * Math.pow(y - x * x, 2);
      },
      partials: function (x, y) {
        return [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)];
      },
    },
    beale: {
      value: function (x, y) {
        return beale.reduce(function (sum, a, k) {
          return sum + Math.pow(a - x * (1 - Math.pow(y, k + 1)), 2);
        }, 0);
      },
      partials: function (x, y) {
        return beale.reduce(
          function (sum, a, j) {
            var k = j + 1;
            var residual = a - x * (1 - Math.pow(y, k));
            return [
              sum[0] + -2 * residual * (1 - Math.pow(y, k)),
              sum[1] + 2 * residual * x * k * Math.pow(y, k - 1),
            ];
          },
          [0, 0]
        );
      },
    },
    himmelblau: {
      value: function (x, y) {
        return Math.pow(x * x + y - 11, 2) + Math.pow(x + y * y - 7, 2);
      },
      partials: function (x, y) {
        var p = x * x + y - 11;
        var q = x + y * y - 7;
        return [4 * x * p + 2 * q, 2 * p + 4 * y * q];
      },
    },
    // It never ends, and its gradient never varies.
    slope: {
      value: function (x, y) {
        return x + y / 2;
      },
      partials: function () {
        return [1, 0.5];
      },
    },
    // Reddi's trap: the gradient in x is 3 in every third step and -1 in the others, and x stays in
    // [-1, 1]. The value is that of the average gradient, 1/3.
    trap: {
      bound: 1,
      value: function (x, y) {
        return x / 3 + (y * y) / 2;
      },
      partials: function (x, y, condition, t) {
        return [t % 3 === 1 ? 3 : -1, y];
      },
    },
  };
})();

/* Return the problem: a surface, turned by an angle in degrees around a center. */
Live.problem = function (name, center, angle, condition) {
  "use strict";
  var surface = Live.surfaces[name];
  var c = Math.cos((angle * Math.PI) / 180);
  var s = Math.sin((angle * Math.PI) / 180);

  function back(w) {
    var x = w[0] - center[0];
    var y = w[1] - center[1];
    return [center[0] + (c * x + s * y), center[1] + (c * y - s * x)];
  }

  return {
    value: function (w) {
      var u = back(w);
      return surface.value(u[0], u[1], condition);
    },
    gradient: function (w, t) {
      var u = back(w);
      var g = surface.partials(u[0], u[1], condition, t);
      return [c * g[0] - s * g[1], s * g[0] + c * g[1]];
    },
    project: function (w) {
      if (surface.bound) {
        w[0] = Math.min(Math.max(w[0], -surface.bound), surface.bound);
      }
    },
  };
};
