/* What the explorer can be set to: pure functions of a state, { story, settings, step }.
 *
 * The story is the one that it began with, settings are named as in links, and step is how much of
 * the runs is shown. */
Live.explorerState = (data) => {
  "use strict";

  const { linear, logarithmic, memory, rounded, withZero } = Live.numbers;
  const { choice, flag, read, real, refuseOthers, subset, whole, write } = Live.links;

  const METHODS = ["rmsprop", "descent", "momentum", "adam"];
  const distance = logarithmic(1e-4, 3);
  const share = linear(0.01, 2, 199);
  const friction = linear(0, 0.99, 99);
  const SCALES = {
    condition: logarithmic(1, 1000),
    angle: linear(0, 90, 90),
    steps: logarithmic(10, 1000),
    "descent.rate": share,
    "momentum.rate": share,
    "momentum.momentum": friction,
    "rmsprop.lr": distance,
    "rmsprop.alpha": memory,
    "rmsprop.eps": withZero(logarithmic(1e-12, 10)),
    "rmsprop.momentum": friction,
    "adam.lr": distance,
  };

  const side = ({ center, half }, i) => linear(center[i] - half, center[i] + half, 300);
  const scales = {};
  for (const [name, surface] of Object.entries(data.surfaces)) {
    scales[name] = { ...SCALES, x: side(surface, 0), y: side(surface, 1) };
  }

  // --- states --------------------------------------------------------------------------------------

  const find = (id) => data.stories.find((story) => story.id === id);
  const told = (id) => ({ ...data.defaults, ...find(id).settings });

  const open = (story) => ({ story, settings: told(story), step: told(story).steps });

  const change = ({ story, settings, step }, changes) => {
    const changed = { ...settings, ...changes };
    const whole = step === settings.steps;
    return { story, settings: changed, step: whole ? changed.steps : Math.min(step, changed.steps) };
  };

  const onSurface = (surface) => {
    const [x, y] = data.surfaces[surface].start;
    return { surface, x, y };
  };

  // The nearest place inside the picture, as fine as a link needs to tell.
  const inside = (surface, point) => {
    const [x, y] = ["x", "y"].map((key, i) => {
      const { min, max } = scales[surface][key];
      return Math.min(Math.max(rounded(Math.round(point[i] * 1000) / 1000, 10), min), max);
    });
    return { x, y };
  };

  const differing = ({ story, settings }) =>
    Object.keys(settings).filter((key) => settings[key] !== told(story)[key]);

  // --- links: "#explorer?story=turned&rmsprop.lr=0.1" names the story and what differs from it ------

  const FLAGS = ["decay", "rmsprop.centered"];
  const codecs = (surface) => {
    const named = { surface: choice(Object.keys(data.surfaces)), methods: subset(METHODS) };
    for (const key of FLAGS) named[key] = flag;
    for (const [key, scale] of Object.entries(scales[surface])) named[key] = real(scale);
    return { ...named, steps: whole(SCALES.steps) };
  };

  // What a link's silence means: on another surface a run starts where that begins.
  const silent = (story, surface) => {
    const settings = told(story);
    return surface === settings.surface ? settings : { ...settings, ...onSurface(surface) };
  };

  const address = ({ story, settings, step }) => {
    const own = silent(story, settings.surface);
    const others = { ...own, surface: told(story).surface, step: settings.steps };
    return write("explorer", { story }, { ...settings, step }, others);
  };

  const restore = (query) => {
    const ids = data.stories.map(({ id }) => id);
    const story = read(query, "story", choice(ids), ids[0]);
    const surfaces = choice(Object.keys(data.surfaces));
    const surface = read(query, "surface", surfaces, told(story).surface);
    const settings = silent(story, surface);
    const codec = codecs(surface);
    refuseOthers(query, ["story", "step", ...Object.keys(settings)]);
    for (const key of Object.keys(settings)) settings[key] = read(query, key, codec[key], settings[key]);
    const steps = whole({ min: 0, max: settings.steps });
    return { story, settings, step: read(query, "step", steps, settings.steps) };
  };

  // --- runs ----------------------------------------------------------------------------------------

  const turn = ({ surface, angle }) => {
    const { center, turns } = data.surfaces[surface];
    return Live.turner(center, turns ? angle : 0);
  };

  const minima = (settings) => data.surfaces[settings.surface].minima.map(turn(settings).forth);

  // The largest curvature at a minimum: it sets how large a rate gradient descent can bear there.
  const curvature = ({ surface, condition }) =>
    surface === "quadratic" ? condition : data.surfaces[surface].curvature;

  const lr = (settings, name) => {
    if (name === "descent" || name === "momentum") {
      const momentum = name === "momentum" ? settings["momentum.momentum"] : 0;
      return settings[`${name}.rate`] * ((2 * (1 + momentum)) / curvature(settings));
    }
    return settings[`${name}.lr`];
  };

  // Whether the rate of a method is a distance for each step, which may have to fall.
  const decays = (settings, name) => settings.decay && (name === "rmsprop" || name === "adam");

  // The first step from which on a run is near a minimum, null if there is none.
  const arrival = (run, places) => {
    const far = ([x, y]) => places.every(([a, b]) => !(Math.hypot(x - a, y - b) < data.near));
    const before = run.points.map(far).lastIndexOf(true) + 1;
    return run.diverged || before === run.points.length ? null : before;
  };

  /* Return the runs of the methods that are shown, by name: those of Live.run, with lr and arrival. */
  const compute = (settings) => {
    const { center, turns } = data.surfaces[settings.surface];
    const angle = turns ? settings.angle : 0;
    const problem = Live.problem(settings.surface, center, angle, settings.condition);
    const runs = {};
    for (const name of METHODS.filter((one) => settings.methods.split(",").includes(one))) {
      const options = {
        lr: lr(settings, name),
        decay: decays(settings, name),
        alpha: settings[`${name}.alpha`],
        eps: settings[`${name}.eps`],
        momentum: settings[`${name}.momentum`] || 0,
        centered: settings[`${name}.centered`],
      };
      const run = Live.run(name, problem, options, [settings.x, settings.y], settings.steps);
      runs[name] = { ...run, ...options, arrival: arrival(run, minima(settings)) };
    }
    return runs;
  };

  return {
    METHODS, address, change, compute, curvature, differing, find, inside, lr, minima, onSurface, open,
    restore, scales, told,
  };
};
