/* The surfaces of the explorer: value and partial derivatives, as in rmsprop/experiments/problems.py. */
Live.surfaces = (() => {
  "use strict";

  const beale = [1.5, 2.25, 2.625];

  return {
    quadratic: {
      value: (x, y, condition) => (x * x + condition * y * y) / 2,
      partials: (x, y, condition) => [x, condition * y],
    },
    rosenbrock: {
      value: (x, y) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      partials: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    },
    beale: {
      value: (x, y) => beale.reduce((sum, a, j) => sum + (a - x * (1 - y ** (j + 1))) ** 2, 0),
      partials: (x, y) =>
        beale.reduce(
          (sum, a, j) => {
            const k = j + 1;
            const residual = a - x * (1 - y ** k);
            return [
              sum[0] + -2 * residual * (1 - y ** k),
              sum[1] + 2 * residual * x * k * y ** (k - 1),
            ];
          },
          [0, 0],
        ),
    },
    himmelblau: {
      value: (x, y) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
      partials: (x, y) => {
        const p = x * x + y - 11;
        const q = x + y * y - 7;
        return [4 * x * p + 2 * q, 2 * p + 4 * y * q];
      },
    },
    // It never ends, and its gradient never varies.
    slope: {
      value: (x, y) => x + y / 2,
      partials: () => [1, 0.5],
    },
    // Reddi's trap: the gradient in x is 3 in every third step and -1 in the others, and x stays in
    // [-1, 1]. The value is that of the average gradient, 1/3.
    trap: {
      bound: 1,
      value: (x, y) => x / 3 + (y * y) / 2,
      partials: (x, y, condition, t) => [t % 3 === 1 ? 3 : -1, y],
    },
  };
})();

/* Return a function that turns points by an angle in degrees around a center. */
Live.turner = (center, angle) => {
  "use strict";
  const c = Math.cos((angle * Math.PI) / 180);
  const s = Math.sin((angle * Math.PI) / 180);
  return {
    forth: ([x, y]) => [
      center[0] + (c * (x - center[0]) - s * (y - center[1])),
      center[1] + (s * (x - center[0]) + c * (y - center[1])),
    ],
    back: ([x, y]) => [
      center[0] + (c * (x - center[0]) + s * (y - center[1])),
      center[1] + (c * (y - center[1]) - s * (x - center[0])),
    ],
    direction: ([x, y]) => [c * x - s * y, s * x + c * y],
  };
};

/* Return the problem: a surface, turned by an angle in degrees around a center. */
Live.problem = (name, center, angle, condition) => {
  "use strict";
  const surface = Live.surfaces[name];
  const turn = Live.turner(center, angle);
  return {
    value: (w) => surface.value(...turn.back(w), condition),
    gradient: (w, t) => turn.direction(surface.partials(...turn.back(w), condition, t)),
    project: (w) => {
      if (surface.bound) w[0] = Math.min(Math.max(w[0], -surface.bound), surface.bound);
    },
  };
};
