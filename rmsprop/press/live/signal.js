/* The averages of gradients that the reader draws. optimizers.js computes, this shows. */
(() => {
  "use strict";

  const root = document.querySelector('[data-live="signal"]');
  if (!root) return;

  const data = Live.data.signal;
  const { button, element, replaceChildren, select, slider: makeSlider, table } = Live.elements;
  const { chart, linear: axis } = Live.chart;
  const { linear, logarithmic, memory, number, rounded, withZero } = Live.numbers;
  const { choice, list, read, real, refuseOthers, whole, write } = Live.links;
  const figure = Live.figure(root, "signal", "Averages of gradients that you draw");

  const NAMES = ["first", "second", "third"];
  const MOST = 3; // of a gradient's size
  const HEIGHTS = linear(-MOST, MOST, 120);
  const SCALES = {
    first: memory,
    second: memory,
    third: memory,
    eps: withZero(logarithmic(1e-12, 10)),
    at: linear(1, data.steps, data.steps - 1),
  };
  const DRAWN = "drawn";

  // --- the state: settings, named as in links, and the gradients -----------------------------------

  const told = (signal) => ({ ...data.defaults, signal });
  const gradientsOf = (signal) => [...data.signals[signal].values];

  let settings = told(root.dataset.story || data.defaults.signal);
  let grads = gradientsOf(settings.signal);
  let kept = {};
  const opening = settings;

  const codecs = {
    signal: choice([...Object.keys(data.signals), DRAWN]),
    first: real(memory),
    second: real(memory),
    third: real(memory),
    eps: real(SCALES.eps),
    at: whole(SCALES.at),
  };
  const drawing = list(real(HEIGHTS), data.steps);

  // "#signal?signal=noise&third=0.999", a drawing with all its values.
  const address = () => {
    const { signal } = settings;
    const values = signal === DRAWN ? { ...settings, gradients: grads } : settings;
    return write("signal", { signal }, values, { ...data.defaults, signal });
  };

  const restore = (query) => {
    const wanted = { ...data.defaults };
    refuseOthers(query, [...Object.keys(wanted), "gradients"]);
    for (const key of Object.keys(wanted)) wanted[key] = read(query, key, codecs[key], wanted[key]);
    const drawn = read(query, "gradients", drawing, null);
    if (wanted.signal === DRAWN && !drawn) throw new Error("it has a drawing, and no gradients");
    become(wanted, wanted.signal === DRAWN ? drawn : gradientsOf(wanted.signal));
  };

  // --- controls ------------------------------------------------------------------------------------

  const change = (changes) => become({ ...settings, ...changes }, grads);

  const sliders = {};
  const slider = (key, group, label) => {
    sliders[key] = makeSlider(`signal-${key}`, group, label, (value) => change({ [key]: value }));
    sliders[key].box.classList.add(key);
    return sliders[key].box;
  };
  const average = (name) => {
    const box = slider(name, name, "alpha");
    box.firstChild.prepend(Live.lines.sample(name));
    return box;
  };

  const OWN = "Your own drawing";
  const titles = Object.entries(data.signals).map(([name, { title }]) => [name, title]);
  const signals = select("Gradients", [...titles, [DRAWN, OWN]], (signal) => {
    become({ ...settings, signal }, signal === DRAWN ? grads : gradientsOf(signal));
  });
  const gradient = makeSlider("signal-gradient", "", "its gradient", (value) => {
    put([[settings.at, value]], settings.at);
  });
  const reset = button("Reset", () => become(told(data.defaults.signal), gradientsOf(data.defaults.signal)));

  const put = (pairs, at) => {
    const changed = [...grads];
    for (const [t, value] of pairs) changed[t - 1] = value;
    become({ ...settings, signal: DRAWN, at }, changed);
  };

  // A stroke passes over steps that no event names: they get the values between.
  let before = null;
  const stroke = (time, share, begins) => {
    const t = Math.max(time, 1);
    const value = -MOST + 2 * MOST * share;
    if (begins || !before) before = [t, value];
    const [t0, value0] = before;
    const span = Math.abs(t - t0);
    const pairs = Array.from({ length: span + 1 }, (_, k) => {
      const part = span ? k / span : 1;
      const mixed = value0 + part * (value - value0);
      return [Math.round(t0 + part * (t - t0)), rounded(Math.round(100 * mixed) / 100, 10)];
    });
    before = [t, value];
    put(pairs, t);
  };
  const point = (t) => change({ at: Math.max(t, 1) });

  // --- the page ------------------------------------------------------------------------------------

  const words = element("p", { class: "live-story" });
  const now = element("div", { class: "live-now" });
  const drawn = chart("gradient (gray) and grad_avg: draw here", 340, 200, stroke);
  drawn.plot.classList.add("live-draw");
  const charts = {
    square_avg: chart("square_avg, in gray the squared gradient", 340, 200, point),
    root: chart("√v, in gray the gradient’s size", 340, 200, point),
    step: chart("step / lr = g / (√v + eps)", 340, 200, point),
  };

  figure.attach(
    element("div", { class: "live live-signal" }, [
      element("div", { class: "live-head" }, [signals.box, words]),
      element("div", { class: "live-charts" }, [drawn, ...Object.values(charts)].map(({ box }) => box)),
      element("div", { class: "live-under" }, [
        element("div", { class: "live-buttons" }, [reset, figure.link]),
        slider("at", "", "step"),
        gradient.box,
        now,
        figure.message,
      ]),
      element("div", { class: "live-controls" }, [...NAMES.map(average), slider("eps", "", "eps")]),
      figure.summary,
    ]),
  );

  // --- showing -------------------------------------------------------------------------------------

  const lines = (key, raw) => [
    { name: "raw", first: 1, values: raw },
    ...NAMES.map((name) => ({ name: `run ${name}`, first: 1, values: kept[name][key] })),
  ];

  const fitted = (series) => {
    const all = series.flatMap(({ values }) => values);
    const [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
    return axis(low, low === high ? 1 : high);
  };

  const drawCharts = () => {
    drawn.draw(lines("grad_avg", grads), axis(-MOST, MOST), data.steps);
    const raw = { square_avg: grads.map((g) => g * g), root: grads.map(Math.abs), step: [] };
    for (const [key, one] of Object.entries(charts)) {
      const series = lines(key, raw[key]);
      one.draw(series, fitted(series), data.steps);
    }
    for (const one of [drawn, ...Object.values(charts)]) one.at(settings.at);
  };

  const row = (name) => {
    const alpha = settings[name];
    const halfLife = alpha > 0 ? Math.log(0.5) / Math.log(alpha) : 0;
    const averages = ["grad_avg", "square_avg", "root", "step"].map((key) => kept[name][key][settings.at - 1]);
    return [[Live.lines.sample(name), String(alpha)], ...[halfLife, ...averages].map(number)];
  };

  const showTable = () => {
    const heads = ["alpha", "half-life", "grad_\u200bavg", "square_\u200bavg", "√v", "step / lr"];
    replaceChildren(now, [table(heads, NAMES.map(row))]);
  };

  const describe = () => {
    const at = settings.at - 1;
    const title = settings.signal === DRAWN ? OWN : data.signals[settings.signal].title;
    const averages = NAMES.map((name) => {
      const { root: roots, step } = kept[name];
      return `with an alpha of ${settings[name]} √v is ${number(roots[at])} and the step ${number(step[at])} times lr`;
    });
    const which = `${title}: gradient ${settings.at} of ${data.steps} is ${number(grads[at])}`;
    return `${which}; ${averages.join("; ")}.`;
  };

  const showControls = () => {
    for (const [key, scale] of Object.entries(SCALES)) {
      const text = key === "eps" ? number(settings[key]) : String(settings[key]);
      sliders[key].set(scale, settings[key], text);
    }
    gradient.set(HEIGHTS, grads[settings.at - 1], number(grads[settings.at - 1]));
    signals.input.value = settings.signal;
    words.textContent =
      settings.signal === DRAWN
        ? "Draw on the first picture, or choose a step and set its gradient."
        : data.signals[settings.signal].text;
  };

  function become(wanted, gradients) {
    settings = wanted;
    grads = gradients;
    for (const name of NAMES) kept[name] = Live.averages(grads, settings[name], settings.eps);
    showControls();
    drawCharts();
    showTable();
    figure.say("");
    figure.address(address());
    figure.summarize(describe);
  }

  become(settings, grads);
  figure.summary.textContent = describe();
  figure.follow(restore, () => become(opening, gradientsOf(opening.signal)));
})();
