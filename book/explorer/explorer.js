/* The explorer on the page: controls, pictures, words. optimizers.js computes, this shows. */
(function () {
  "use strict";

  var root = document.querySelector(".explorer");
  var source = document.getElementById("explorer-data");
  if (!root || !source) return;

  var data = JSON.parse(source.textContent);
  var SVG = "http://www.w3.org/2000/svg";
  var SIZE = 400; // of the picture's side, in units of its own
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // --- what can be set ---------------------------------------------------------------------------

  var METHODS = { descent: "Gradient descent", momentum: "Momentum", rmsprop: "RMSprop", adam: "Adam" };

  // A scale maps the position of a slider, from 0 to 1, to a value and back.
  function linear(min, max, step) {
    return {
      min: min,
      max: max,
      notches: Math.round((max - min) / step),
      value: function (p) {
        return Number((min + Math.round((p * (max - min)) / step) * step).toPrecision(10));
      },
      position: function (v) {
        return (v - min) / (max - min);
      },
    };
  }
  function logarithmic(min, max, digits) {
    return {
      min: min,
      max: max,
      notches: 200,
      value: function (p) {
        return Number((min * Math.pow(max / min, p)).toPrecision(digits));
      },
      position: function (v) {
        return Math.log(v / min) / Math.log(max / min);
      },
    };
  }
  // For an alpha: logarithmic in 1 - alpha, from 0 to 0.9999.
  var memory = {
    min: 0,
    max: 0.9999,
    notches: 200,
    value: function (p) {
      return Number((1 - Number(Math.pow(10, -4 * p).toPrecision(2))).toPrecision(8));
    },
    position: function (v) {
      return -Math.log10(1 - v) / 4;
    },
  };

  var CONTROLS = {
    condition: { label: "condition number", scale: logarithmic(1, 1000, 2) },
    angle: { label: "rotation", unit: "°", scale: linear(0, 90, 1) },
    x: { label: "start, x", scale: linear(-10, 10, 0.01) },
    y: { label: "start, y", scale: linear(-10, 10, 0.01) },
    steps: { label: "steps", scale: logarithmic(10, 1000, 2) },
    "descent.lr": { label: "lr", scale: logarithmic(1e-4, 3, 2) },
    "momentum.lr": { label: "lr", scale: logarithmic(1e-4, 3, 2) },
    "momentum.momentum": { label: "momentum", scale: linear(0, 0.99, 0.01) },
    "rmsprop.lr": { label: "lr", scale: logarithmic(1e-4, 3, 2) },
    "rmsprop.alpha": { label: "alpha", scale: memory },
    "rmsprop.eps": { label: "eps", scale: logarithmic(1e-12, 1, 2) },
    "rmsprop.momentum": { label: "momentum", scale: linear(0, 0.99, 0.01) },
    "adam.lr": { label: "lr", scale: logarithmic(1e-4, 3, 2) },
  };

  function copy(first, second) {
    return Object.assign({}, first, second);
  }
  function told(story) {
    return copy(data.defaults, story.settings);
  }
  function shown(method) {
    return settings.methods.split(",").indexOf(method) >= 0;
  }

  var settings = told(data.stories[0]);
  var story = data.stories[0];
  var step = settings.steps; // how much of the runs is shown

  // --- elements ----------------------------------------------------------------------------------

  function element(name, attributes, children) {
    return fill(document.createElement(name), attributes, children);
  }
  function svg(name, attributes, children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
  }
  function fill(node, attributes, children) {
    Object.keys(attributes || {}).forEach(function (key) {
      node.setAttribute(key, attributes[key]);
    });
    (children || []).forEach(function (child) {
      node.append(child);
    });
    return node;
  }

  function slider(key) {
    var control = CONTROLS[key];
    var id = "explorer-" + key.replace(".", "-");
    control.input = element("input", { type: "range", id: id, min: 0, step: 1 });
    control.output = element("output", { for: id });
    control.input.addEventListener("input", function () {
      set(key, control.scale.value(control.input.value / control.scale.notches));
    });
    return element("div", { class: "explorer-row" }, [
      element("label", { for: id }, [control.label]),
      control.input,
      control.output,
    ]);
  }

  function checkbox(label, listener) {
    var input = element("input", { type: "checkbox" });
    input.addEventListener("change", listener);
    var box = element("label", { class: "explorer-check" }, [input, " " + label]);
    return { input: input, box: box };
  }

  function fieldset(legend, name, children) {
    var group = element("fieldset", { class: "explorer-group " + name }, children);
    group.prepend(element("legend", {}, [legend]));
    return group;
  }

  function select(label, entries, listener) {
    var input = element("select", {});
    entries.forEach(function (entry) {
      input.append(element("option", { value: entry[0] }, [entry[1]]));
    });
    input.addEventListener("change", function () {
      listener(input.value);
    });
    return { input: input, box: element("label", { class: "explorer-select" }, [label + " ", input]) };
  }

  function button(label, listener) {
    var node = element("button", { type: "button" }, [label]);
    node.addEventListener("click", listener);
    return node;
  }

  function method(name, keys, more) {
    var check = checkbox(METHODS[name], function () {
      var chosen = Object.keys(METHODS).filter(function (key) {
        return checks[key].input.checked;
      });
      set("methods", chosen.join(","));
    });
    checks[name] = check;
    return fieldset(check.box, name, keys.map(slider).concat(more || []));
  }

  var checks = {};
  var own = ["custom", "Your own setting"];
  var stories = select(
    "Story",
    data.stories
      .map(function (entry) {
        return [entry.id, entry.title];
      })
      .concat([own]),
    function (id) {
      var chosen = find(id);
      if (chosen) tell(chosen);
    }
  );
  var words = element("p", { class: "explorer-story" });
  var surfaces = select(
    "surface",
    Object.keys(data.surfaces).map(function (key) {
      return [key, data.surfaces[key].label];
    }),
    function (key) {
      var start = data.surfaces[key].start;
      change({ surface: key, x: start[0], y: start[1] });
    }
  );
  var centered = checkbox("centered", function () {
    set("rmsprop.centered", centered.input.checked);
  });

  var picture = svg("svg", {
    viewBox: "0 0 " + SIZE + " " + SIZE,
    class: "explorer-picture",
    role: "img",
    "aria-labelledby": "explorer-picture-title",
  });
  var title = svg("title", { id: "explorer-picture-title" });
  var layers = {
    contours: svg("g", { class: "contours" }),
    axes: svg("g"),
    paths: svg("g"),
    marks: svg("g"),
  };
  var halo = svg("circle", { class: "halo", r: 26 });
  var handle = svg("g", { class: "handle" }, [halo, svg("circle", { class: "start", r: 6 })]);
  var hint = svg("text", { x: SIZE - 8, y: 16, class: "tick left" }, ["drag the dot, or use the sliders"]);
  fill(picture, {}, [title, layers.contours, layers.axes, layers.paths, layers.marks, hint, handle]);

  var play = button("Play", function () {
    if (timer) pause();
    else start();
  });
  var once = button("Step", function () {
    pause();
    show(step >= settings.steps ? 1 : step + 1);
  });
  var reset = button("Reset", function () {
    pause();
    tell(story);
  });
  var scrubber = element("input", { type: "range", id: "explorer-step", min: 0, step: 1 });
  scrubber.addEventListener("input", function () {
    pause();
    show(Number(scrubber.value));
  });
  var counter = element("output", { for: "explorer-step" });
  var link = element("a", { href: "#explorer" }, ["Link to this setting"]);
  link.addEventListener("click", function (event) {
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    say("The address of this page now restores this setting: copy it, or bookmark it.");
  });

  var message = element("p", { class: "explorer-message", role: "status" });
  var summary = element("p", { class: "explorer-summary", "aria-live": "polite" });
  var charts = ["loss above the minimum", "effective rate, lr / (√v + eps)", "√v"].map(function (name) {
    var plot = svg("svg", { viewBox: "0 0 260 170", role: "img", "aria-label": name + " over the steps" });
    return { plot: plot, box: element("div", { class: "explorer-chart" }, [
      element("p", { "aria-hidden": "true" }, [name]), plot,
    ]) };
  });

  var live = element("div", { class: "explorer-live" }, [
    element("div", { class: "explorer-head" }, [stories.box, words]),
    element("div", { class: "explorer-view" }, [
      picture,
      element("div", { class: "explorer-buttons" }, [play, once, reset, link]),
      element("div", { class: "explorer-row explorer-time" }, [
        element("label", { for: "explorer-step" }, ["step"]),
        scrubber,
        counter,
      ]),
      message,
    ]),
    element("div", { class: "explorer-controls" }, [
      method("rmsprop", ["rmsprop.lr", "rmsprop.alpha", "rmsprop.eps", "rmsprop.momentum"], [
        centered.box,
      ]),
      method("descent", ["descent.lr"]),
      method("momentum", ["momentum.lr", "momentum.momentum"]),
      method("adam", ["adam.lr"]),
      fieldset("Problem", "problem", [surfaces.box].concat(
        ["condition", "angle", "x", "y", "steps"].map(slider)
      )),
    ]),
    element("div", { class: "explorer-charts" }, charts.map(function (chart) {
      return chart.box;
    })),
    element("p", { class: "explorer-key", "aria-hidden": "true" }, [
      "Solid: x, dashed: y. Rates and √v of RMSprop and Adam. Adam’s beta1 is 0.9, its beta2 0.999.",
    ]),
    summary,
  ]);
  root.append(live);
  root.classList.add("explorer-on");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Explorer of RMSprop");

  // --- the state ---------------------------------------------------------------------------------

  function find(id) {
    return data.stories.find(function (entry) {
      return entry.id === id;
    });
  }

  function tell(chosen) {
    story = chosen;
    settings = told(chosen);
    step = settings.steps;
    say("");
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
    settings = copy(settings, changes);
    step = whole ? settings.steps : Math.min(step, settings.steps);
    say("");
    update();
  }

  // --- running -----------------------------------------------------------------------------------

  var runs = {};

  function compute() {
    var surface = data.surfaces[settings.surface];
    var angle = surface.turns ? settings.angle : 0;
    var problem = Explorer.problem(settings.surface, surface.center, angle, settings.condition);
    runs = {};
    Object.keys(METHODS).filter(shown).forEach(function (name) {
      runs[name] = Explorer.run(
        name,
        problem,
        {
          lr: settings[name + ".lr"],
          alpha: settings[name + ".alpha"],
          eps: settings[name + ".eps"],
          momentum: settings[name + ".momentum"] || 0,
          centered: settings[name + ".centered"],
        },
        [settings.x, settings.y],
        settings.steps
      );
    });
  }

  // --- drawing -----------------------------------------------------------------------------------

  function toPicture(w) {
    var surface = data.surfaces[settings.surface];
    return [0, 1].map(function (i) {
      var u = ((w[i] - surface.center[i]) / surface.half) * (i ? -1 : 1);
      // Far outside is far enough.
      return Math.min(Math.max((SIZE / 2) * (1 + u), -9999), 9999);
    });
  }

  function line(points) {
    return points.map(function (p) {
      return p[0].toFixed(1) + "," + p[1].toFixed(1);
    }).join(" ");
  }

  function drawSurface() {
    var surface = data.surfaces[settings.surface];
    var turn = " rotate(" + (surface.turns ? settings.angle : 0) + ")";
    var scale = SIZE / 2;
    if (settings.surface === "quadratic") {
      // Circles, squeezed into the valley.
      scale /= surface.half;
      turn += " scale(1 " + 1 / Math.sqrt(settings.condition) + ")";
      layers.contours.replaceChildren.apply(
        layers.contours,
        surface.levels.map(function (level) {
          return svg("circle", { r: Math.sqrt(2 * level) });
        })
      );
    } else {
      scale /= 1000;
      layers.contours.replaceChildren(svg("path", { d: surface.contours.join("") }));
    }
    var center = "translate(" + SIZE / 2 + " " + SIZE / 2 + ")";
    layers.contours.setAttribute("transform", center + " scale(" + scale + " " + -scale + ")" + turn);
    var angle = ((surface.turns ? settings.angle : 0) * Math.PI) / 180;
    layers.marks.replaceChildren.apply(
      layers.marks,
      surface.minima.map(function (minimum) {
        var x = minimum[0] - surface.center[0];
        var y = minimum[1] - surface.center[1];
        var p = toPicture([
          surface.center[0] + Math.cos(angle) * x - Math.sin(angle) * y,
          surface.center[1] + Math.sin(angle) * x + Math.cos(angle) * y,
        ]);
        return svg("text", { x: p[0], y: p[1], class: "minimum" }, ["★"]);
      })
    );
    var at = toPicture([settings.x, settings.y]);
    handle.setAttribute("transform", "translate(" + at[0] + " " + at[1] + ")");
  }

  function drawAxes() {
    var surface = data.surfaces[settings.surface];
    var every = surface.half > 4 ? 2 : surface.half > 2 ? 1 : 0.5;
    var labels = [];
    [0, 1].forEach(function (i) {
      var most = surface.center[i] + 0.9 * surface.half;
      var k = Math.ceil((surface.center[i] - 0.9 * surface.half) / every);
      for (; k * every < most; k++) {
        var at = toPicture([k * every, k * every])[i];
        var place = i ? { x: 5, y: at + 4 } : { x: at, y: SIZE - 6 };
        place.class = i ? "tick right" : "tick";
        labels.push(svg("text", place, [String(k * every).replace("-", "−")]));
      }
    });
    layers.axes.replaceChildren.apply(layers.axes, labels);
  }

  function drawPaths() {
    var drawn = [];
    Object.keys(runs).forEach(function (name) {
      var points = runs[name].points.slice(0, step + 1).map(toPicture);
      var last = points[points.length - 1];
      drawn.push(svg("polyline", { points: line(points), class: "line " + name }));
      drawn.push(svg("circle", { cx: last[0], cy: last[1], r: 4, class: "end " + name }));
    });
    layers.paths.replaceChildren.apply(layers.paths, drawn);
  }

  // Lines over the steps on a logarithmic axis. A series has a class, a dash and values.
  function drawChart(plot, series, first) {
    var low = Infinity;
    var high = 0;
    series.forEach(function (one) {
      one.values.forEach(function (v) {
        if (v > 0) low = Math.min(low, v);
        high = Math.max(high, v);
      });
    });
    if (high === 0) return plot.replaceChildren();
    low = Math.floor(Math.log10(Math.max(low, high * 1e-16)));
    high = Math.max(Math.ceil(Math.log10(high)), low + 1);
    var left = 38;
    var width = 214;
    function x(t) {
      return left + (width * t) / settings.steps;
    }
    function y(v) {
      var p = (Math.log10(v) - low) / (high - low);
      return 146 - 138 * Math.min(Math.max(p, 0), 1);
    }
    var parts = [];
    var every = Math.ceil((high - low) / 5);
    for (var decade = low; decade <= high; decade += every) {
      var at = y(Math.pow(10, decade));
      parts.push(svg("line", { x1: left, x2: left + width, y1: at, y2: at, class: "grid" }));
      parts.push(svg("text", { x: left - 5, y: at + 4, class: "tick left" }, [power(decade)]));
    }
    [0, 0.5, 1].forEach(function (part) {
      var t = Math.round(part * settings.steps);
      var side = ["", "", " left"][2 * part];
      parts.push(svg("text", { x: x(t), y: 163, class: "tick" + side }, [String(t)]));
    });
    series.forEach(function (one) {
      var points = one.values.slice(0, Math.max(step + 1 - first, 0)).map(function (v, t) {
        return [x(t + first), y(v)];
      });
      parts.push(svg("polyline", { points: line(points), class: "line " + one.name + one.dash }));
    });
    return plot.replaceChildren.apply(plot, parts);
  }

  function power(decade) {
    if (decade > -3 && decade < 4) return String(Number(Math.pow(10, decade).toPrecision(1)));
    var digits = String(Math.abs(decade)).split("").map(function (d) {
      return "⁰¹²³⁴⁵⁶⁷⁸⁹"[d];
    });
    return "10" + (decade < 0 ? "⁻" : "") + digits.join("");
  }

  function drawCharts() {
    var losses = Object.keys(runs).map(function (name) {
      var least = settings.surface === "trap" ? -1 / 3 : 0;
      return { name: name, dash: "", values: runs[name].losses.map(function (f) {
        return f - least;
      }) };
    });
    drawChart(charts[0].plot, losses, 0);
    ["rates", "roots"].forEach(function (key, k) {
      var series = [];
      Object.keys(runs).forEach(function (name) {
        if (!runs[name][key].length) return;
        [0, 1].forEach(function (i) {
          series.push({ name: name, dash: i ? " dashed" : "", values: runs[name][key].map(function (v) {
            return v[i];
          }) });
        });
      });
      drawChart(charts[k + 1].plot, series, 1);
    });
  }

  // --- words -------------------------------------------------------------------------------------

  function number(v) {
    if (v === 0) return "0";
    var size = Math.abs(v);
    var text = size < 1e-3 || size >= 1e5 ? v.toExponential(1) : String(Number(v.toPrecision(3)));
    return text.replace(".0e", "e").replace("e+", "e").replace(/-/g, "−");
  }

  function setting(key) {
    var value = settings[key];
    var text = key.slice(-5) === "alpha" ? String(value) : number(value);
    return text + (CONTROLS[key].unit || "");
  }

  function say(text) {
    message.textContent = text;
  }

  function describe() {
    var names = Object.keys(runs);
    var surface = data.surfaces[settings.surface];
    var parts = names.map(function (name) {
      var run = runs[name];
      var last = Math.min(step, run.points.length - 1);
      var w = run.points[last];
      if (run.diverged && step >= run.diverged) return METHODS[name] + " diverged in step " + run.diverged;
      return METHODS[name] + " is at (" + number(w[0]) + ", " + number(w[1]) + ") with a loss of " +
        number(run.losses[last]);
    });
    var text = surface.label + ", after " + step + " of " + settings.steps + " steps. ";
    text += parts.length ? parts.join("; ") + "." : "No method is shown.";
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
    if (!lost.length) return "";
    return lost.map(function (name) {
      return METHODS[name] + " diverges in step " + runs[name].diverged;
    }).join("; ") + ". Its path is shown as far as it is finite; a smaller lr keeps it so.";
  }

  var saying;
  function speak() {
    // Once the hand rests, or a screen reader would never finish.
    clearTimeout(saying);
    if (timer) return;
    saying = setTimeout(function () {
      summary.textContent = describe();
    }, 300);
  }

  // --- everything together -----------------------------------------------------------------------

  function update() {
    var surface = data.surfaces[settings.surface];
    [0, 1].forEach(function (i) {
      var low = Number((surface.center[i] - surface.half).toPrecision(6));
      CONTROLS[i ? "y" : "x"].scale = linear(low, low + 2 * surface.half, surface.half / 150);
    });
    Object.keys(CONTROLS).forEach(function (key) {
      var control = CONTROLS[key];
      control.input.max = control.scale.notches;
      control.input.value = Math.round(control.scale.position(settings[key]) * control.scale.notches);
      control.output.textContent = setting(key);
      control.input.setAttribute("aria-valuetext", setting(key));
    });
    CONTROLS.condition.input.disabled = settings.surface !== "quadratic";
    CONTROLS.angle.input.disabled = !surface.turns;
    surfaces.input.value = settings.surface;
    centered.input.checked = settings["rmsprop.centered"];
    Object.keys(METHODS).forEach(function (name) {
      checks[name].input.checked = shown(name);
    });
    var settled = told(story);
    var same = Object.keys(settings).every(function (key) {
      return settings[key] === settled[key];
    });
    stories.input.value = same ? story.id : own[0];
    words.textContent = story.text + " ";
    words.append(element("a", { href: story.chapter + ".html" }, ["Read the chapter"]));
    title.textContent = "Paths of the chosen methods on the surface: " + surface.label;
    compute();
    drawSurface();
    drawAxes();
    var lost = warn();
    if (lost) say(lost);
    show(step);
  }

  function show(at) {
    step = at;
    scrubber.max = settings.steps;
    scrubber.value = step;
    counter.textContent = step + " / " + settings.steps;
    scrubber.setAttribute("aria-valuetext", step + " of " + settings.steps);
    drawPaths();
    drawCharts();
    link.setAttribute("href", address());
    speak();
  }

  var timer = null;
  function start() {
    if (calm.matches) return show(settings.steps);
    var from = step >= settings.steps ? 0 : step;
    var began = null;
    var pace = settings.steps / 5000; // five seconds for all
    play.textContent = "Pause";
    function frame(now) {
      began = began || now;
      show(Math.min(Math.floor(from + (now - began) * pace), settings.steps));
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
    speak();
  }

  // --- dragging ----------------------------------------------------------------------------------

  function place(event) {
    var box = picture.getBoundingClientRect();
    var surface = data.surfaces[settings.surface];
    var u = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    var w = u.map(function (part, i) {
      var inside = Math.min(Math.max(part, 0), 1);
      return Number((surface.center[i] + surface.half * (2 * inside - 1)).toPrecision(3));
    });
    change({ x: w[0], y: w[1] });
  }
  handle.addEventListener("pointerdown", function (event) {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("dragged");
  });
  handle.addEventListener("pointermove", function (event) {
    if (handle.hasPointerCapture(event.pointerId)) place(event);
  });
  // A finger on the dot moves the dot, not the page.
  handle.addEventListener("touchstart", function (event) {
    event.preventDefault();
  }, { passive: false });
  ["pointerup", "pointercancel"].forEach(function (name) {
    handle.addEventListener(name, function () {
      handle.classList.remove("dragged");
    });
  });
  picture.addEventListener("click", function (event) {
    if (!handle.contains(event.target)) place(event);
  });

  // --- links -------------------------------------------------------------------------------------

  // A link names its story and what differs from it; "#explorer?story=turned&rmsprop.lr=0.1".
  function address() {
    var settled = told(story);
    var parts = ["story=" + story.id];
    Object.keys(settings).forEach(function (key) {
      if (settings[key] !== settled[key]) parts.push(key + "=" + settings[key]);
    });
    if (step !== settings.steps) parts.push("step=" + step);
    return "#explorer?" + parts.join("&");
  }

  function parse(query) {
    var pairs = Array.from(new URLSearchParams(query));
    var named = new URLSearchParams(query).get("story");
    var chosen = named === null ? data.stories[0] : find(named);
    if (!chosen) throw new Error("there is no story “" + named + "”");
    var wanted = told(chosen);
    var at = null;
    pairs.forEach(function (pair) {
      var key = pair[0];
      if (key === "story") return;
      if (key === "step") at = read(key, pair[1], 0, 1000);
      else if (!Object.keys(wanted).includes(key)) throw new Error("there is no setting “" + key + "”");
      else if (key === "surface") wanted[key] = choose(key, pair[1], Object.keys(data.surfaces));
      else if (key === "methods") {
        wanted[key] = Object.keys(METHODS).filter(function (name) {
          return pair[1].split(",").indexOf(name) >= 0;
        }).join(",");
        if (wanted[key] !== pair[1]) choose(key, pair[1], [wanted[key]]);
      } else if (key === "rmsprop.centered") {
        wanted[key] = choose(key, pair[1], ["true", "false"]) === "true";
      } else if (key !== "x" && key !== "y") {
        wanted[key] = read(key, pair[1], CONTROLS[key].scale.min, CONTROLS[key].scale.max);
      } else wanted[key] = pair[1];
    });
    var surface = data.surfaces[wanted.surface];
    ["x", "y"].forEach(function (key, i) {
      var center = surface.center[i];
      // The start of another surface may lie outside of this one.
      if (wanted.surface !== told(chosen).surface && !new URLSearchParams(query).has(key)) {
        wanted[key] = surface.start[i];
      }
      wanted[key] = read(key, wanted[key], center - surface.half, center + surface.half);
    });
    wanted.steps = Math.round(wanted.steps);
    return { story: chosen, settings: wanted, step: at };
  }

  function read(key, text, min, max) {
    var value = String(text).trim() === "" ? NaN : Number(text);
    if (value >= min && value <= max) return value;
    var range = number(min) + " and " + (max === 0.9999 ? max : number(max));
    throw new Error(key + " is “" + text + "”, and must be a number between " + range);
  }

  function choose(key, text, allowed) {
    if (allowed.indexOf(text) >= 0) return text;
    throw new Error(key + " is “" + text + "”, which is not on offer");
  }

  function follow() {
    var hash = location.hash;
    if (hash.indexOf("#explorer?") !== 0) return;
    pause();
    var wanted;
    try {
      wanted = parse(hash.slice("#explorer?".length));
    } catch (error) {
      say("This link cannot be followed: " + error.message + ". The picture is the last good one.");
      return;
    }
    story = wanted.story;
    settings = wanted.settings;
    step = wanted.step === null ? settings.steps : Math.min(Math.round(wanted.step), settings.steps);
    say("");
    update();
  }

  update();
  follow();
  summary.textContent = describe();
  if (location.hash.indexOf("#explorer?") === 0) root.scrollIntoView();
  window.addEventListener("hashchange", function () {
    follow();
    if (location.hash.indexOf("#explorer?") === 0) root.scrollIntoView();
  });
})();
