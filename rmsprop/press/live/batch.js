/* The sum for a new batch size. optimizers.js computes, this shows. */
(() => {
  "use strict";

  const root = document.querySelector('[data-live="batch"]');
  if (!root) return;

  const data = Live.data.batch;
  const { button, element, replaceChildren, select, slider: makeSlider, table } = Live.elements;
  const { logarithmic, memory, number, withZero, scale } = Live.numbers;
  const { choice, read, real, refuseOthers, whole, write } = Live.links;
  const figure = Live.figure(root, "batch", "A recipe for another batch size");

  const powers = scale(Array.from({ length: 17 }, (_, k) => 2 ** k));
  const SCALES = {
    old: powers,
    new: powers,
    lr: logarithmic(1e-6, 10),
    alpha: memory,
    eps: withZero(logarithmic(1e-12, 10)),
    decay: withZero(logarithmic(1e-6, 10)),
  };
  const LABELS = { old: "old batch", new: "new batch", decay: "decoupled decay" };
  const codecs = {
    rule: choice(Object.keys(data.rules)),
    ...Object.fromEntries(Object.entries(SCALES).map(([key, used]) => [key, real(used)])),
    old: whole(powers),
    new: whole(powers),
  };

  let settings = { ...data.defaults, rule: root.dataset.story || data.defaults.rule };
  const opening = settings;

  // "#batch?rule=root&old=32&new=8".
  const address = () => write("batch", { rule: settings.rule }, settings, { ...data.defaults, rule: settings.rule });

  const restore = (query) => {
    const wanted = { ...data.defaults };
    refuseOthers(query, Object.keys(wanted));
    for (const key of Object.keys(wanted)) wanted[key] = read(query, key, codecs[key], wanted[key]);
    become(wanted);
  };

  // --- controls ------------------------------------------------------------------------------------

  const change = (changes) => become({ ...settings, ...changes });

  const sliders = {};
  for (const key of Object.keys(SCALES)) {
    sliders[key] = makeSlider(`batch-${key}`, "", LABELS[key] || key, (value) => change({ [key]: value }));
  }
  const titles = Object.entries(data.rules).map(([name, { title }]) => [name, title]);
  const rules = select("Rule", titles, (rule) => change({ rule }));

  // --- the page ------------------------------------------------------------------------------------

  const words = element("p", { class: "live-story" });
  const now = element("div", { class: "live-now" });

  figure.attach(
    element("div", { class: "live live-batch" }, [
      element("div", { class: "live-head" }, [rules.box, words]),
      element("div", { class: "live-under" }, [
        now,
        element("div", { class: "live-buttons" }, [button("Reset", () => become(data.defaults)), figure.link]),
        figure.message,
      ]),
      element("div", { class: "live-controls" }, Object.values(sliders).map(({ box }) => box)),
      figure.summary,
    ]),
  );

  // --- showing -------------------------------------------------------------------------------------

  const recipe = () => {
    const { lr, alpha, eps, decay: weightDecay } = settings;
    return { lr, alpha, eps, weightDecay };
  };

  const moved = () => Live.moveRecipe(recipe(), settings.new / settings.old, data.rules[settings.rule].power);

  const NAMES = { lr: "lr", alpha: "alpha", eps: "eps", weightDecay: "weight_decay" };

  // Digits of a smoothing constant count from 1.
  const shown = (key, value) =>
    key === "alpha" && value > 0.9 ? String(1 - Live.numbers.rounded(1 - value, 3)).slice(0, 9) : number(value);

  const showTable = () => {
    const [before, after] = [recipe(), moved()];
    const rows = Object.entries(NAMES).map(([key, name]) => [name, shown(key, before[key]), shown(key, after[key])]);
    replaceChildren(now, [table(["setting", `at ${settings.old}`, `at ${settings.new}`], rows)]);
  };

  // What is known of a factor like this one.
  const regime = () => {
    const factor = settings.new / settings.old;
    return data.regimes.find(({ upTo }) => factor <= upTo).text;
  };

  const short = () => (moved().alpha < 0.5 ? ` ${data.short}` : "");

  const describe = () => {
    const after = moved();
    const told = Object.entries(NAMES).map(([key, name]) => `${name} ${shown(key, after[key])}`);
    return `At batches of ${settings.new}: ${told.join(", ")}. ${regime()}${short()}`;
  };

  const showControls = () => {
    for (const [key, used] of Object.entries(SCALES)) {
      sliders[key].set(used, settings[key], key === "alpha" ? String(settings[key]) : number(settings[key]));
    }
    rules.input.value = settings.rule;
    words.textContent = data.rules[settings.rule].text;
  };

  function become(wanted) {
    settings = wanted;
    showControls();
    showTable();
    figure.say("");
    figure.address(address());
    figure.summarize(describe);
  }

  become(settings);
  figure.summary.textContent = describe();
  figure.follow(restore, () => become(opening));
})();
