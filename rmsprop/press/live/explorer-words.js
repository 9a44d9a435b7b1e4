/* What the explorer says: names of settings, what differs from the story, what the runs did. */
Live.explorerWords = (data, model) => {
  "use strict";

  const { number } = Live.numbers;
  const METHODS = { rmsprop: "RMSprop", descent: "Gradient descent", momentum: "Momentum", adam: "Adam" };

  // Of each setting the group it is in, its label there, and its unit.
  const SETTINGS = {
    surface: ["", "surface"],
    condition: ["", "condition number"],
    angle: ["", "rotation", "°"],
    x: ["", "start, x"],
    y: ["", "start, y"],
    steps: ["", "steps"],
    methods: ["", "methods"],
    decay: ["", "lr of RMSprop and Adam falls to zero"],
    "descent.rate": ["Gradient descent", "rate / limit"],
    "momentum.rate": ["Momentum", "rate / limit"],
    "momentum.momentum": ["Momentum", "momentum"],
    "rmsprop.lr": ["RMSprop", "lr"],
    "rmsprop.alpha": ["RMSprop", "alpha"],
    "rmsprop.eps": ["RMSprop", "eps"],
    "rmsprop.momentum": ["RMSprop", "momentum"],
    "rmsprop.centered": ["RMSprop", "centered"],
    "adam.lr": ["Adam", "lr"],
  };

  const group = (key) => SETTINGS[key][0];
  const label = (key) => SETTINGS[key][1];

  const listed = (texts) =>
    texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts[texts.length - 1]}`;

  // In the middle of a sentence.
  const named = (method) =>
    ["RMSprop", "Adam"].includes(METHODS[method]) ? METHODS[method] : METHODS[method].toLowerCase();

  const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

  const value = (key, v) => {
    if (key === "surface") return data.surfaces[v].label;
    if (key === "methods") return v ? listed(v.split(",").map(named)) : "none";
    if (typeof v === "boolean") return v ? "on" : "off";
    if (key === "rmsprop.alpha") return String(v);
    return number(v) + (SETTINGS[key][2] || "");
  };

  const story = (state) => {
    const { title, text } = model.find(state.story);
    const keys = model.differing(state);
    if (!keys.length) return text;
    const changes = keys.map((key) => {
      const before = value(key, model.told(state.story)[key]);
      return `${`${group(key)} ${label(key)}`.trim()} ${value(key, state.settings[key])}, not ${before}`;
    });
    const most = 4;
    const rest = changes.length - most;
    const shown = rest > 0 ? [...changes.slice(0, most), `${rest} more`] : changes;
    return `Your own setting. It differs from “${title}” in this: ${shown.join("; ")}.`;
  };

  /* Return which of the runs came near the minimum, in the order in which they did. */
  const outcome = ({ settings }, runs) => {
    const names = Object.keys(runs);
    if (!names.length) return "No method is shown.";
    const diverged = names
      .filter((name) => runs[name].diverged)
      .map((name) => sentence(`${named(name)} diverges in step ${runs[name].diverged}`));
    if (!model.minima(settings).length) return diverged.join(" ");
    const near = names.filter((name) => runs[name].arrival !== null);
    near.sort((a, b) => runs[a].arrival - runs[b].arrival);
    const late = names.filter((name) => runs[name].arrival === null && !runs[name].diverged);
    const place = `within ${data.near} of the minimum for good`;
    const arrivals = near.map((name, k) => `${named(name)} ${k ? "from" : "from step"} ${runs[name].arrival}`);
    const told = arrivals.length ? [sentence(`${place}: ${listed(arrivals)}`)] : [];
    if (late.length) {
      const steps = `in ${settings.steps} steps`;
      told.push(sentence(arrivals.length ? `not ${steps}: ${listed(late.map(named))}` : `${place} ${steps}: none of them`));
    }
    return [...told, ...diverged].join(" ");
  };

  const describe = ({ settings, step }, runs) => {
    const told = Object.entries(runs).map(([name, run]) => {
      if (run.diverged && step >= run.diverged) return `${METHODS[name]} diverged in step ${run.diverged}`;
      const last = Math.min(step, run.points.length - 1);
      const [x, y] = run.points[last].map(number);
      return `${METHODS[name]} is at (${x}, ${y}) with a loss of ${number(run.losses[last])}`;
    });
    const where = `${data.surfaces[settings.surface].label}, after ${step} of ${settings.steps} steps.`;
    const rates = runs.rmsprop && runs.rmsprop.rates[Math.min(step, runs.rmsprop.rates.length) - 1];
    const [x, y] = rates ? rates.map(number) : [];
    const effective = rates ? ` RMSprop’s effective rate is ${x} in x and ${y} in y.` : "";
    return `${where} ${told.length ? told.join("; ") : "No method is shown"}.${effective}`;
  };

  return { METHODS, describe, group, label, outcome, story, value };
};
