/* The explorer on the page: its controls, and what follows when one moves. */
(() => {
  "use strict";

  const root = document.querySelector('[data-live="explorer"]');
  if (!root) return;

  const data = Live.data.explorer;
  const { button, checkbox, element, fieldset, folded, replaceChildren, select, table } = Live.elements;
  const { slider: makeSlider } = Live.elements;
  const { decades } = Live.chart;
  const { linear, number } = Live.numbers;
  const model = Live.explorerState(data);
  const words = Live.explorerWords(data, model);
  const figure = Live.figure(root, "explorer", "Explorer of RMSprop");

  let state = model.open(root.dataset.story || data.stories[0].id);
  const opening = state;
  let runs = {};

  // --- controls ------------------------------------------------------------------------------------

  const change = (changes) => become(model.change(state, changes));

  const sliders = {};
  const slider = (key) => {
    const id = `explorer-${key.replace(".", "-")}`;
    sliders[key] = makeSlider(id, words.group(key), words.label(key), (value) => change({ [key]: value }));
    return sliders[key].box;
  };

  const flags = {};
  const flag = (key) => {
    flags[key] = checkbox(words.label(key), (checked) => change({ [key]: checked }));
    return flags[key].box;
  };

  const checks = {};
  const check = (name) => {
    checks[name] = checkbox(words.METHODS[name], () => {
      change({ methods: model.METHODS.filter((one) => checks[one].input.checked).join(",") });
    });
    return checks[name].box;
  };

  const OWN = "custom";
  const titles = data.stories.map(({ id, title }) => [id, title]);
  const stories = select("Story", [...titles, [OWN, "Your own setting"]], (id) => {
    become(id === OWN ? state : model.open(id));
  });
  const labels = Object.entries(data.surfaces).map(([key, { label }]) => [key, label]);
  const surfaces = select("surface", labels, (key) => change(model.onSurface(key)));

  const play = button("Play", () => {
    const { step, settings } = state;
    if (player.playing()) return player.pause();
    figure.hush();
    return player.play(step < settings.steps ? step : 0, settings.steps);
  });
  const rest = (step) => {
    player.pause();
    showStep(step);
    summarize();
  };
  const once = button("Step", () => rest(state.step < state.settings.steps ? state.step + 1 : 1));
  const reset = button("Reset", () => become(model.open(state.story)));
  const scrubber = makeSlider("explorer-step", "", "step", rest);
  scrubber.box.classList.add("live-time");

  const picture = Live.explorerPicture(data, model, (point) => {
    change(model.inside(state.settings.surface, point));
  });
  const names = ["loss above the minimum", "effective rate, lr / (√v + eps)", "√v"];
  const charts = names.map((name) => Live.chart.chart(name, 260, 190, rest));

  // --- the page ------------------------------------------------------------------------------------

  const story = element("p", { class: "live-story" });
  const outcome = element("p", { class: "live-outcome" });
  const results = element("div", { class: "live-results" });
  const now = element("div", { class: "live-now" });
  const limit = element("p", { class: "live-note" });

  const method = (name, parts) => fieldset([Live.lines.sample(name), words.METHODS[name]], name, parts);

  figure.attach(
    element("div", { class: "live live-explorer" }, [
      element("div", { class: "live-head" }, [stories.box, story, outcome]),
      picture.picture,
      element("div", { class: "live-under" }, [
        element("div", { class: "live-buttons" }, [play, once, reset, figure.link]),
        scrubber.box,
        figure.message,
      ]),
      element("div", { class: "live-controls" }, [
        fieldset(["Valley"], "problem", ["condition", "angle"].map(slider)),
        method("rmsprop", ["rmsprop.lr", "rmsprop.alpha"].map(slider)),
        results,
      ]),
      folded("More settings", [
        element("div", { class: "live-more" }, [
          fieldset(["RMSprop"], "rmsprop", [
            ...["rmsprop.eps", "rmsprop.momentum"].map(slider), flag("rmsprop.centered"),
          ]),
          method("adam", [slider("adam.lr")]),
          method("descent", [slider("descent.rate")]),
          method("momentum", ["momentum.rate", "momentum.momentum"].map(slider)),
          fieldset(["Problem"], "problem", [surfaces.box, ...["x", "y", "steps"].map(slider), flag("decay")]),
          fieldset(["Methods shown"], "problem", model.METHODS.map(check)),
          limit,
        ]),
      ]),
      element("div", { class: "live-charts" }, charts.map(({ box }) => box)),
      element("p", { class: "live-key", "aria-hidden": "true" }, [
        "Rates and √v: solid in x, dashed in y, of RMSprop and Adam, whose beta1 is 0.9 and beta2 " +
          "0.999. Within a run the dashed arrow points down the gradient, the solid one where RMSprop goes.",
      ]),
      folded("This step in numbers", [now]),
      figure.summary,
    ]),
  );

  // --- what follows from the settings --------------------------------------------------------------

  const showControls = () => {
    const { settings } = state;
    for (const [key, scale] of Object.entries(model.scales[settings.surface])) {
      sliders[key].set(scale, settings[key], words.value(key, settings[key]));
    }
    sliders.condition.input.disabled = settings.surface !== "quadratic";
    sliders.angle.input.disabled = !data.surfaces[settings.surface].turns;
    surfaces.input.value = settings.surface;
    for (const key of Object.keys(flags)) flags[key].input.checked = settings[key];
    for (const name of model.METHODS) checks[name].input.checked = settings.methods.split(",").includes(name);
  };

  const showWords = () => {
    const { chapter } = model.find(state.story);
    stories.input.value = model.differing(state).length ? OWN : state.story;
    story.textContent = `${words.story(state)} `;
    story.append(element("a", { href: `${chapter}.html` }, ["Read the chapter"]));
    outcome.textContent = words.outcome(state, runs);
    limit.textContent =
      "A rate of 1 is the limit of stability at the minimum: 2 / L for gradient descent and " +
      `2 (1 + momentum) / L for momentum. L, the largest curvature there, is ${number(model.curvature(state.settings))}. ` +
      "RMSprop’s and Adam’s lr is a distance for each step.";
  };

  const resultRow = ([name, { lr, diverged, arrival }]) => [
    [Live.lines.sample(name), words.METHODS[name]],
    number(lr),
    diverged ? "diverges" : arrival === null ? "–" : String(arrival),
    "",
  ];

  const showResults = () => {
    const rows = Object.entries(runs).map(resultRow);
    replaceChildren(results, [table(["", "lr", "near from", "loss"], rows)]);
  };

  const drawCharts = () => {
    const { least } = data.surfaces[state.settings.surface];
    const { steps } = state.settings;
    const losses = Object.entries(runs).map(([name, run]) => ({
      name: `run ${name}`,
      first: 0,
      values: run.losses.map((loss) => (least === null ? run.losses[0] - loss : loss - least)),
    }));
    charts[0].call(least === null ? "descent so far" : names[0]);
    charts[0].draw(losses, decades(losses), steps);
    ["rates", "roots"].forEach((key, k) => {
      const series = Object.entries(runs).flatMap(([name, run]) =>
        [0, 1].map((i) => ({
          name: i ? `${name} dashed` : name,
          first: 1,
          values: run[key].map((pair) => pair[i]),
        })),
      );
      charts[k + 1].draw(series, decades(series), steps);
    });
  };

  // --- what follows from the step ------------------------------------------------------------------

  const showLosses = () => {
    const rows = results.querySelectorAll("tbody tr");
    Object.values(runs).forEach(({ losses }, k) => {
      rows[k].cells[3].textContent = number(losses[Math.min(state.step, losses.length - 1)]);
    });
  };

  // What RMSprop computes in the step that is shown.
  const showNow = () => {
    const run = runs.rmsprop;
    const last = run ? run.points.length - 1 : 0;
    const t = Math.max(Math.min(state.step, last), 1);
    const rows = ["x", "y"].map((axis, i) => [
      axis,
      ...(last ? [run.gradients[t - 1][i], run.roots[t - 1][i], run.rates[t - 1][i]] : []).map(number),
      ...(last ? [number(run.points[t][i] - run.points[t - 1][i])] : []),
    ]);
    const heads = [`RMSprop, step ${t}`, "gradient", "√v", "rate", "moves by"];
    replaceChildren(now, last ? [table(heads, rows)] : []);
  };

  function showStep(step) {
    state = { ...state, step };
    const { steps } = state.settings;
    scrubber.set(scrubberScale(steps), step, `${step} / ${steps}`);
    picture.at(step, steps);
    for (const chart of charts) chart.at(step);
    showLosses();
    if (!player.playing()) showNow();
    figure.say("");
    figure.address(model.address(state));
  }

  let scrubbed = linear(0, 1, 1);
  const scrubberScale = (steps) => {
    if (scrubbed.max !== steps) scrubbed = linear(0, steps, steps);
    return scrubbed;
  };

  // --- everything together -------------------------------------------------------------------------

  const summarize = () => figure.summarize(() => words.describe(state, runs));

  const player = Live.player(play, showStep, () => {
    showNow();
    summarize();
  });

  function become(next) {
    player.pause();
    state = next;
    runs = model.compute(state.settings);
    showControls();
    showWords();
    showResults();
    picture.draw(state.settings, runs);
    drawCharts();
    showStep(state.step);
    summarize();
  }

  become(state);
  figure.summary.textContent = words.describe(state, runs);
  figure.follow((query) => become(model.restore(query)), () => become(opening));
})();
