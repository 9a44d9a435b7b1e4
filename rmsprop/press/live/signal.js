/* The averages of gradients that the reader draws. optimizers.js computes, this shows. */
(function () {
  "use strict";

  var root = document.querySelector('[data-live="signal"]');
  if (!root) return;

  var data = Live.data.signal;
  var parts = Live.parts;
  var element = parts.element;
  var number = parts.number;
  var NAMES = ["first", "second", "third"];
  var MOST = 3; // of a gradient's size
  var CONTROLS = {
    first: { label: "alpha", scale: parts.memory },
    second: { label: "alpha", scale: parts.memory },
    third: { label: "alpha", scale: parts.memory },
    eps: { label: "eps", scale: parts.logarithmic(1e-12, 10, 2) },
    at: { label: "step", scale: parts.linear(1, data.steps, 1) },
  };

  var settings = Object.assign({}, data.defaults, root.dataset.story && { signal: root.dataset.story });
  var grads = values(settings.signal);
  var kept = {};

  function values(name) {
    return data.signals[name].values.slice();
  }

  // --- elements ----------------------------------------------------------------------------------

  function slider(key) {
    CONTROLS[key].slider = parts.slider("signal-" + key, CONTROLS[key].label, function (value) {
      settings[key] = value;
      update();
    });
    CONTROLS[key].slider.box.classList.add(key);
    return CONTROLS[key].slider.box;
  }

  var own = ["drawn", "Your own drawing"];
  var titles = Object.keys(data.signals).map(function (name) {
    return [name, data.signals[name].title];
  });
  var signals = parts.select("Gradients", titles.concat([own]), function (name) {
    settings.signal = name;
    if (name !== "drawn") grads = values(name);
    figure.say("");
    update();
  });
  var words = element("p", { class: "live-story" });
  var scale = parts.linear(-MOST, MOST, 0.05);
  var gradient = parts.slider("signal-gradient", "its gradient", function (value) {
    put(settings.at, value);
    update();
  });
  var reset = parts.button("Reset", function () {
    settings = Object.assign({}, data.defaults);
    grads = values(settings.signal);
    figure.say("");
    update();
  });

  function put(t, value) {
    grads[t - 1] = value;
    settings.signal = "drawn";
    figure.say("");
  }

  // A stroke passes over steps that no event names: they get the values between.
  var before = null;
  function stroke(t, share, begins) {
    t = Math.max(t, 1);
    var value = scale.value(share);
    if (begins || !before) before = [t, value];
    var span = Math.abs(t - before[0]);
    for (var k = 0; k <= span; k++) {
      var part = span ? k / span : 1;
      var mixed = before[1] + part * (value - before[1]);
      put(Math.round(before[0] + part * (t - before[0])), Number(mixed.toFixed(2)));
    }
    before = [t, value];
    settings.at = t;
    update();
  }
  function point(t) {
    settings.at = Math.max(t, 1);
    update();
  }

  var figure = parts.figure(root, "signal", "Averages of gradients that you draw");
  var now = element("div", { class: "live-now" });
  var drawn = parts.chart("gradient (gray) and grad_avg: draw here", 340, 200, stroke);
  drawn.plot.classList.add("live-draw");
  var charts = [
    ["square_avg, in gray the squared gradient", "square_avg"],
    ["√v, in gray the gradient’s size", "root"],
    ["step / lr = g / (√v + eps)", "step"],
  ].map(function (chart) {
    return { chart: parts.chart(chart[0], 340, 200, point), key: chart[1] };
  });

  figure.show(element("div", { class: "live live-signal" }, [
    element("div", { class: "live-head" }, [signals.box, words]),
    element("div", { class: "live-charts" }, [drawn].concat(charts.map(function (one) {
      return one.chart;
    })).map(function (chart) {
      return chart.box;
    })),
    element("div", { class: "live-under" }, [
      element("div", { class: "live-buttons" }, [reset, figure.link]),
      slider("at"),
      gradient.box,
      now,
      figure.message,
    ]),
    element("div", { class: "live-controls" }, NAMES.concat("eps").map(slider)),
    figure.summary,
  ]));

  // --- showing -----------------------------------------------------------------------------------

  function draw() {
    function lines(key, raw) {
      return [{ name: "raw", first: 1, values: raw }].concat(NAMES.map(function (name) {
        return { name: name, first: 1, values: kept[name][key] };
      }));
    }
    drawn.draw(lines("grad_avg", grads), parts.plain(-MOST, MOST), data.steps, settings.at);
    charts.forEach(function (one) {
      var series = lines(one.key, one.key === "square_avg" ? grads.map(function (g) {
        return g * g;
      }) : grads.map(Math.abs));
      if (one.key === "step") series.shift();
      var all = [].concat.apply([0], series.map(function (s) {
        return s.values;
      }));
      var low = Math.min.apply(null, all);
      var high = Math.max.apply(null, all);
      if (low === high) high = 1;
      one.chart.draw(series, parts.plain(low, high), data.steps, settings.at);
    });
  }

  function drawTable() {
    var heads = ["alpha", "half-life", "grad_avg", "square_avg", "√v", "step / lr"];
    var table = parts.table(heads, NAMES.map(function (name) {
      var alpha = settings[name];
      var half = alpha > 0 ? Math.log(0.5) / Math.log(alpha) : 0;
      return [String(alpha), number(half)].concat(
        ["grad_avg", "square_avg", "root", "step"].map(function (key) {
          return number(kept[name][key][settings.at - 1]);
        })
      );
    }));
    NAMES.forEach(function (name, k) {
      table.tBodies[0].rows[k].className = name;
    });
    parts.empty(now, [table]);
  }

  function title() {
    return settings.signal === "drawn" ? own[1] : data.signals[settings.signal].title;
  }

  function describe() {
    var at = settings.at - 1;
    var text = title() + ": gradient " + settings.at + " of " + data.steps + " is " + number(grads[at]) + "; ";
    return text + NAMES.map(function (name) {
      return "with an alpha of " + settings[name] + " √v is " + number(kept[name].root[at]) +
        " and the step " + number(kept[name].step[at]) + " times lr";
    }).join("; ") + ".";
  }

  function update() {
    NAMES.forEach(function (name) {
      kept[name] = Live.averages(grads, settings[name], settings.eps);
    });
    Object.keys(CONTROLS).forEach(function (key) {
      var text = key === "eps" ? number(settings[key]) : String(settings[key]);
      CONTROLS[key].slider.show(CONTROLS[key].scale, settings[key], text);
    });
    gradient.show(scale, grads[settings.at - 1], number(grads[settings.at - 1]));
    signals.input.value = settings.signal;
    words.textContent = settings.signal === "drawn"
      ? "Draw on the first picture, or choose a step and set its gradient."
      : data.signals[settings.signal].text;
    draw();
    drawTable();
    figure.link.setAttribute("href", address());
    figure.speak(describe);
  }

  // --- links: "#signal?signal=noise&third=0.999", a drawing with all its values ------------------

  function address() {
    var pairs = ["signal=" + settings.signal];
    Object.keys(CONTROLS).forEach(function (key) {
      if (settings[key] !== data.defaults[key]) pairs.push(key + "=" + settings[key]);
    });
    if (settings.signal === "drawn") pairs.push("gradients=" + grads.join(","));
    return "#signal?" + pairs.join("&");
  }

  function restore(query) {
    var wanted = Object.assign({}, data.defaults);
    query.forEach(function (text, key) {
      if (key === "gradients") return;
      if (Object.keys(wanted).indexOf(key) < 0) throw new Error("there is no setting “" + key + "”");
      wanted[key] = text;
    });
    parts.choose("signal", wanted.signal, Object.keys(data.signals).concat("drawn"));
    Object.keys(CONTROLS).forEach(function (key) {
      wanted[key] = parts.read(key, wanted[key], CONTROLS[key].scale.min, CONTROLS[key].scale.max);
    });
    wanted.at = Math.round(wanted.at);
    var read;
    if (wanted.signal === "drawn") {
      read = (query.get("gradients") || "").split(",").map(function (text) {
        return parts.read("a gradient", text, -MOST, MOST);
      });
      if (read.length !== data.steps) {
        throw new Error("it has " + read.length + " gradients, and must have " + data.steps);
      }
    }
    settings = wanted;
    grads = read || values(wanted.signal);
    update();
  }

  update();
  figure.summary.textContent = describe();
  figure.follow(restore);
})();
