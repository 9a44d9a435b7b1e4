/* The explorer on the page: controls, pictures, words. optimizers.js computes, this shows. */
(function () {
  "use strict";

  var root = document.querySelector('[data-live="explorer"]');
  if (!root) return;

  var data = Live.data.explorer;
  var parts = Live.parts;
  var element = parts.element;
  var number = parts.number;
  var svg = parts.svg;
  var SIZE = 400; // of the picture's side, in units of its own
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // --- what can be set ---------------------------------------------------------------------------

  var METHODS = { descent: "Gradient descent", momentum: "Momentum", rmsprop: "RMSprop", adam: "Adam" };
  var rate = parts.logarithmic(1e-4, 3, 2);
  var friction = parts.linear(0, 0.99, 0.01);
  var CONTROLS = {
    condition: { label: "condition number", scale: parts.logarithmic(1, 1000, 2) },
    angle: { label: "rotation", unit: "°", scale: parts.linear(0, 90, 1) },
    x: { label: "start, x" },
    y: { label: "start, y" },
    steps: { label: "steps", scale: parts.logarithmic(10, 1000, 2) },
    "descent.lr": { label: "lr", scale: rate },
    "momentum.lr": { label: "lr", scale: rate },
    "momentum.momentum": { label: "momentum", scale: friction },
    "rmsprop.lr": { label: "lr", scale: rate },
    "rmsprop.alpha": { label: "alpha", scale: parts.memory },
    "rmsprop.eps": { label: "eps", scale: parts.logarithmic(1e-12, 10, 2) },
    "rmsprop.momentum": { label: "momentum", scale: friction },
    "adam.lr": { label: "lr", scale: rate },
  };

  var story = find(root.dataset.story) || data.stories[0];
  var settings = told(story);
  var step = settings.steps; // how much of the runs is shown
  var runs = {};

  function find(id) {
    return data.stories.find(function (entry) {
      return entry.id === id;
    });
  }
  function told(chosen) {
    return Object.assign({}, data.defaults, chosen.settings);
  }
  function shown(name) {
    return settings.methods.split(",").indexOf(name) >= 0;
  }
  function surface() {
    return data.surfaces[settings.surface];
  }

  // --- elements ----------------------------------------------------------------------------------

  function slider(key) {
    var control = CONTROLS[key];
    control.slider = parts.slider("explorer-" + key.replace(".", "-"), control.label, function (value) {
      set(key, value);
    });
    return control.slider.box;
  }

  var checks = {};
  function method(name, keys, more) {
    checks[name] = parts.checkbox(METHODS[name], function () {
      var chosen = Object.keys(METHODS).filter(function (key) {
        return checks[key].input.checked;
      });
      set("methods", chosen.join(","));
    });
    return parts.fieldset(checks[name].box, name, keys.map(slider).concat(more || []));
  }

  var own = ["custom", "Your own setting"];
  var titles = data.stories.map(function (entry) {
    return [entry.id, entry.title];
  });
  var stories = parts.select("Story", titles.concat([own]), function (id) {
    var chosen = find(id);
    if (chosen) tell(chosen);
  });
  var words = element("p", { class: "live-story" });
  var labels = Object.keys(data.surfaces).map(function (key) {
    return [key, data.surfaces[key].label];
  });
  var surfaces = parts.select("surface", labels, function (key) {
    var start = data.surfaces[key].start;
    change({ surface: key, x: start[0], y: start[1] });
  });
  var centered = parts.checkbox("centered", function (checked) {
    set("rmsprop.centered", checked);
  });

  var title = svg("title", { id: "explorer-title" });
  var layers = {
    contours: svg("g", { class: "contours" }),
    axes: svg("g"),
    paths: svg("g"),
    arrows: svg("g", { class: "rmsprop" }),
    marks: svg("g"),
  };
  var handle = svg("g", { class: "handle" }, [
    svg("circle", { class: "halo", r: 26 }),
    svg("circle", { class: "start", r: 6 }),
  ]);
  var hint = svg("text", { x: SIZE - 8, y: 18, class: "tick left" }, ["drag the dot, or use the sliders"]);
  var picture = svg("svg", {
    viewBox: "0 0 " + SIZE + " " + SIZE,
    class: "live-picture",
    role: "img",
    "aria-labelledby": "explorer-title",
  }, [title, layers.contours, layers.axes, layers.paths, layers.arrows, layers.marks, hint, handle]);

  var play = parts.button("Play", function () {
    if (timer) pause();
    else start();
  });
  var once = parts.button("Step", function () {
    pause();
    show(step >= settings.steps ? 1 : step + 1);
  });
  var reset = parts.button("Reset", function () {
    tell(story);
  });
  var scrubber = parts.slider("explorer-step", "step", function (at) {
    pause();
    show(at);
  });
  scrubber.box.classList.add("live-time");

  var figure = parts.figure(root, "explorer", "Explorer of RMSprop");
  var now = element("div", { class: "live-now rmsprop" });
  var names = ["loss above the minimum", "effective rate, lr / (√v + eps)", "√v"];
  var charts = names.map(function (name) {
    return parts.chart(name, 260, 190, function (at) {
      pause();
      show(at);
    });
  });

  figure.show(element("div", { class: "live" }, [
    element("div", { class: "live-head" }, [stories.box, words]),
    picture,
    element("div", { class: "live-under" }, [
      element("div", { class: "live-buttons" }, [play, once, reset, figure.link]),
      scrubber.box,
      now,
      figure.message,
    ]),
    element("div", { class: "live-controls" }, [
      method("rmsprop", ["rmsprop.lr", "rmsprop.alpha", "rmsprop.eps", "rmsprop.momentum"], [centered.box]),
      method("descent", ["descent.lr"]),
      method("momentum", ["momentum.lr", "momentum.momentum"]),
      method("adam", ["adam.lr"]),
      parts.fieldset("Problem", "problem", [surfaces.box].concat(
        ["condition", "angle", "x", "y", "steps"].map(slider)
      )),
    ]),
    element("div", { class: "live-charts" }, charts.map(function (chart) {
      return chart.box;
    })),
    element("p", { class: "live-key", "aria-hidden": "true" }, [
      "Solid: x, dashed: y, of RMSprop and Adam, whose beta1 is 0.9 and beta2 0.999. Within a run the " +
        "dashed arrow points down the gradient, the solid one where RMSprop goes.",
    ]),
    figure.summary,
  ]));

  // --- the state ---------------------------------------------------------------------------------

  function tell(chosen) {
    pause();
    story = chosen;
    settings = told(chosen);
    step = settings.steps;
    figure.say("");
    update();
  }

  function set(key, value) {
    var changes = {};
    changes[key] = value;
    change(changes);
  }

  function change(changes) {
    pause();
    var whole = step === settings.steps;
    settings = Object.assign({}, settings, changes);
    step = whole ? settings.steps : Math.min(step, settings.steps);
    figure.say("");
    update();
  }

  function compute() {
    var angle = surface().turns ? settings.angle : 0;
    var problem = Live.problem(settings.surface, surface().center, angle, settings.condition);
    runs = {};
    Object.keys(METHODS).filter(shown).forEach(function (name) {
      var options = {
        lr: settings[name + ".lr"],
        alpha: settings[name + ".alpha"],
        eps: settings[name + ".eps"],
        momentum: settings[name + ".momentum"] || 0,
        centered: settings[name + ".centered"],
      };
      runs[name] = Live.run(name, problem, options, [settings.x, settings.y], settings.steps);
    });
  }

  // --- drawing -----------------------------------------------------------------------------------

  function toPicture(w) {
    return [0, 1].map(function (i) {
      var u = ((w[i] - surface().center[i]) / surface().half) * (i ? -1 : 1);
      // Far outside is far enough.
      return Math.min(Math.max((SIZE / 2) * (1 + u), -9999), 9999);
    });
  }

  function drawSurface() {
    var angle = surface().turns ? settings.angle : 0;
    var turn = " rotate(" + angle + ")";
    var scale = SIZE / 2;
    if (settings.surface === "quadratic") {
      // Circles, squeezed into the valley.
      scale /= surface().half;
      turn += " scale(1 " + 1 / Math.sqrt(settings.condition) + ")";
      parts.empty(layers.contours, surface().levels.map(function (level) {
        return svg("circle", { r: Math.sqrt(2 * level) });
      }));
    } else {
      scale /= 1000;
      parts.empty(layers.contours, [svg("path", { d: surface().contours.join("") })]);
    }
    var center = "translate(" + SIZE / 2 + " " + SIZE / 2 + ")";
    layers.contours.setAttribute("transform", center + " scale(" + scale + " " + -scale + ")" + turn);
    var c = Math.cos((angle * Math.PI) / 180);
    var s = Math.sin((angle * Math.PI) / 180);
    parts.empty(layers.marks, surface().minima.map(function (minimum) {
      var x = minimum[0] - surface().center[0];
      var y = minimum[1] - surface().center[1];
      var p = toPicture([surface().center[0] + c * x - s * y, surface().center[1] + s * x + c * y]);
      return svg("text", { x: p[0], y: p[1], class: "minimum" }, ["★"]);
    }));
    handle.setAttribute("transform", "translate(" + toPicture([settings.x, settings.y]) + ")");
  }

  function drawAxes() {
    var half = surface().half;
    var every = half > 4 ? 2 : half > 2 ? 1 : 0.5;
    var drawn = [];
    [0, 1].forEach(function (i) {
      var center = surface().center[i];
      for (var k = Math.ceil((center - 0.9 * half) / every); k * every < center + 0.9 * half; k++) {
        var at = toPicture([k * every, k * every])[i];
        var place = i ? { x: 5, y: at + 4 } : { x: at, y: SIZE - 6 };
        place.class = i ? "tick right" : "tick";
        drawn.push(svg("text", place, [String(k * every).replace("-", "−")]));
      }
    });
    parts.empty(layers.axes, drawn);
  }

  function drawPaths() {
    var drawn = [];
    Object.keys(runs).forEach(function (name) {
      var points = runs[name].points.slice(0, step + 1).map(toPicture);
      var last = points[points.length - 1];
      drawn.push(svg("polyline", { points: parts.line(points), class: "line " + name }));
      drawn.push(svg("circle", { cx: last[0], cy: last[1], r: 4.5, class: "end " + name }));
    });
    parts.empty(layers.paths, drawn);
  }

  // How RMSprop turns the gradient: two arrows from where it stood, of one length.
  function drawArrows() {
    var run = runs.rmsprop;
    var drawn = [];
    if (run && step > 0 && step < settings.steps && step < run.points.length) {
      var from = run.points[step - 1];
      var to = run.points[step];
      var tail = toPicture(from);
      var grad = run.gradients[step - 1];
      [[-grad[0], -grad[1], "line dashed"], [to[0] - from[0], to[1] - from[1], "line"]].forEach(function (d) {
        var length = Math.hypot(d[0], d[1]);
        if (!(length > 0)) return;
        var x = d[0] / length;
        var y = -d[1] / length;
        var tip = [tail[0] + 44 * x, tail[1] + 44 * y];
        drawn.push(svg("polyline", { points: parts.line([tail, tip]), class: d[2] }));
        var barbs = [-1, 1].map(function (side) {
          return [tip[0] - 8 * x - side * 4 * y, tip[1] - 8 * y + side * 4 * x];
        });
        drawn.push(svg("polyline", { points: parts.line([barbs[0], tip, barbs[1]]), class: "line" }));
      });
    }
    parts.empty(layers.arrows, drawn);
  }

  function drawCharts() {
    var endless = surface().least === null;
    charts[0].call(endless ? "descent so far" : names[0]);
    var losses = Object.keys(runs).map(function (name) {
      var values = runs[name].losses.map(function (loss) {
        return endless ? runs[name].losses[0] - loss : loss - surface().least;
      });
      return { name: name, first: 0, values: values };
    });
    charts[0].draw(losses, parts.decades(losses), settings.steps, step);
    ["rates", "roots"].forEach(function (key, k) {
      var series = [];
      Object.keys(runs).forEach(function (name) {
        if (!runs[name][key].length) return;
        [0, 1].forEach(function (i) {
          var values = runs[name][key].map(function (v) {
            return v[i];
          });
          series.push({ name: name + (i ? " dashed" : ""), first: 1, values: values });
        });
      });
      charts[k + 1].draw(series, parts.decades(series), settings.steps, step);
    });
  }

  // --- words -------------------------------------------------------------------------------------

  function setting(key) {
    var text = key.slice(-5) === "alpha" ? String(settings[key]) : number(settings[key]);
    return text + (CONTROLS[key].unit || "");
  }

  // What RMSprop computes in the step that is shown.
  function drawNow() {
    var run = runs.rmsprop;
    if (!run) return parts.empty(now, []);
    var t = Math.max(Math.min(step, run.points.length - 1), 1);
    if (t > run.gradients.length) return parts.empty(now, []);
    var heads = ["RMSprop, step " + t, "gradient", "√v", "rate", "moves by"];
    parts.empty(now, [parts.table(heads, [0, 1].map(function (i) {
      return [i ? "y" : "x"].concat([
        run.gradients[t - 1][i],
        run.roots[t - 1][i],
        run.rates[t - 1][i],
        run.points[t][i] - run.points[t - 1][i],
      ].map(number));
    }))]);
  }

  function describe() {
    var told = Object.keys(runs).map(function (name) {
      var run = runs[name];
      if (run.diverged && step >= run.diverged) return METHODS[name] + " diverged in step " + run.diverged;
      var last = Math.min(step, run.points.length - 1);
      var w = run.points[last];
      return METHODS[name] + " is at (" + number(w[0]) + ", " + number(w[1]) + ") with a loss of " +
        number(run.losses[last]);
    });
    var text = surface().label + ", after " + step + " of " + settings.steps + " steps. ";
    text += told.length ? told.join("; ") + "." : "No method is shown.";
    var rates = runs.rmsprop && runs.rmsprop.rates[Math.min(step, runs.rmsprop.rates.length) - 1];
    if (rates) {
      text += " RMSprop’s effective rate is " + number(rates[0]) + " in x and " + number(rates[1]) + " in y.";
    }
    return text;
  }

  function warn() {
    var lost = Object.keys(runs).filter(function (name) {
      return runs[name].diverged;
    });
    if (!lost.length) return;
    figure.say(lost.map(function (name) {
      return METHODS[name] + " diverges in step " + runs[name].diverged;
    }).join("; ") + ". The picture shows what came before.");
  }

  // --- everything together -----------------------------------------------------------------------

  function update() {
    ["x", "y"].forEach(function (key, i) {
      var low = Number((surface().center[i] - surface().half).toPrecision(6));
      CONTROLS[key].scale = parts.linear(low, low + 2 * surface().half, surface().half / 150);
    });
    Object.keys(CONTROLS).forEach(function (key) {
      CONTROLS[key].slider.show(CONTROLS[key].scale, settings[key], setting(key));
    });
    CONTROLS.condition.slider.input.disabled = settings.surface !== "quadratic";
    CONTROLS.angle.slider.input.disabled = !surface().turns;
    surfaces.input.value = settings.surface;
    centered.input.checked = settings["rmsprop.centered"];
    Object.keys(METHODS).forEach(function (name) {
      checks[name].input.checked = shown(name);
    });
    var original = told(story);
    var same = Object.keys(settings).every(function (key) {
      return settings[key] === original[key];
    });
    stories.input.value = same ? story.id : own[0];
    words.textContent = story.text + " ";
    words.append(element("a", { href: story.chapter + ".html" }, ["Read the chapter"]));
    title.textContent = "Paths of the chosen methods on the surface: " + surface().label;
    compute();
    drawSurface();
    drawAxes();
    warn();
    show(step);
  }

  function show(at) {
    step = at;
    var scale = parts.linear(0, settings.steps, 1);
    scrubber.show(scale, step, step + " / " + settings.steps);
    drawPaths();
    drawArrows();
    drawNow();
    drawCharts();
    figure.link.setAttribute("href", address());
    if (!timer) figure.speak(describe);
  }

  var timer = null;
  function start() {
    if (calm.matches) return show(settings.steps);
    var from = step >= settings.steps ? 0 : step;
    var began = null;
    var pace = settings.steps / 5000; // five seconds for all
    play.textContent = "Pause";
    function frame(time) {
      began = began === null ? time : began;
      show(Math.min(Math.floor(from + (time - began) * pace), settings.steps));
      if (step < settings.steps) timer = requestAnimationFrame(frame);
      else pause();
    }
    timer = requestAnimationFrame(frame);
  }
  function pause() {
    if (!timer) return;
    cancelAnimationFrame(timer);
    timer = null;
    play.textContent = "Play";
    figure.speak(describe);
  }

  // --- dragging ----------------------------------------------------------------------------------

  function place(event) {
    var box = picture.getBoundingClientRect();
    var u = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    var w = u.map(function (part, i) {
      var inside = Math.min(Math.max(part, 0), 1);
      return Number((surface().center[i] + surface().half * (2 * inside - 1)).toFixed(3));
    });
    change({ x: w[0], y: w[1] });
  }
  handle.addEventListener("pointerdown", function (event) {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", function (event) {
    if (handle.hasPointerCapture(event.pointerId)) place(event);
  });
  // A finger on the dot moves the dot, not the page.
  handle.addEventListener("touchstart", function (event) {
    event.preventDefault();
  }, { passive: false });
  picture.addEventListener("click", function (event) {
    if (!handle.contains(event.target)) place(event);
  });

  // --- links -------------------------------------------------------------------------------------

  // A link names its story and what differs from it; "#explorer?story=turned&rmsprop.lr=0.1".
  function address() {
    var original = told(story);
    var pairs = ["story=" + story.id];
    Object.keys(settings).forEach(function (key) {
      if (settings[key] !== original[key]) pairs.push(key + "=" + settings[key]);
    });
    if (step !== settings.steps) pairs.push("step=" + step);
    return "#explorer?" + pairs.join("&");
  }

  function restore(query) {
    var chosen = query.has("story") ? find(query.get("story")) : data.stories[0];
    if (!chosen) throw new Error("there is no story “" + query.get("story") + "”");
    var wanted = told(chosen);
    query.forEach(function (text, key) {
      if (key === "story" || key === "step") return;
      if (Object.keys(wanted).indexOf(key) < 0) throw new Error("there is no setting “" + key + "”");
      wanted[key] = text;
    });
    parts.choose("surface", wanted.surface, Object.keys(data.surfaces));
    var methods = Object.keys(METHODS).filter(function (name) {
      return wanted.methods.split(",").indexOf(name) >= 0;
    });
    parts.choose("methods", wanted.methods, [methods.join(",")]);
    var flag = parts.choose("rmsprop.centered", String(wanted["rmsprop.centered"]), ["true", "false"]);
    wanted["rmsprop.centered"] = flag === "true";
    var place = data.surfaces[wanted.surface];
    ["x", "y"].forEach(function (key, i) {
      // The start of another surface may lie outside of this one.
      if (wanted.surface !== told(chosen).surface && !query.has(key)) wanted[key] = place.start[i];
      wanted[key] = parts.read(key, wanted[key], place.center[i] - place.half, place.center[i] + place.half);
    });
    Object.keys(CONTROLS).forEach(function (key) {
      if (key === "x" || key === "y") return;
      wanted[key] = parts.read(key, wanted[key], CONTROLS[key].scale.min, CONTROLS[key].scale.max);
    });
    wanted.steps = Math.round(wanted.steps);
    var at = query.has("step") ? parts.read("step", query.get("step"), 0, wanted.steps) : wanted.steps;
    pause();
    story = chosen;
    settings = wanted;
    step = Math.round(at);
    update();
  }

  update();
  figure.summary.textContent = describe();
  figure.follow(restore);
})();
