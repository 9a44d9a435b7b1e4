/* What the live figures are built of: elements, controls, charts, numbers in words. */
Live.parts = (function () {
  "use strict";

  var SVG = "http://www.w3.org/2000/svg";

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

  function empty(node, children) {
    node.replaceChildren.apply(node, children);
  }

  // --- scales: from the position of a slider, 0 to 1, to a value and back -------------------------

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

  // --- controls ----------------------------------------------------------------------------------

  function slider(id, label, listener) {
    var input = element("input", { type: "range", id: id, min: 0, step: 1 });
    var output = element("output", { for: id });
    var scale;
    input.addEventListener("input", function () {
      listener(scale.value(input.value / scale.notches));
    });
    return {
      input: input,
      box: element("div", { class: "live-row" }, [
        element("label", { for: id }, [label]),
        input,
        output,
      ]),
      show: function (used, value, text) {
        scale = used;
        input.max = scale.notches;
        input.value = Math.round(scale.position(value) * scale.notches);
        input.setAttribute("aria-valuetext", text);
        output.textContent = text;
      },
    };
  }

  function checkbox(label, listener) {
    var input = element("input", { type: "checkbox" });
    input.addEventListener("change", function () {
      listener(input.checked);
    });
    return { input: input, box: element("label", { class: "live-check" }, [input, " " + label]) };
  }

  function select(label, entries, listener) {
    var input = element("select", {});
    entries.forEach(function (entry) {
      input.append(element("option", { value: entry[0] }, [entry[1]]));
    });
    input.addEventListener("change", function () {
      listener(input.value);
    });
    return { input: input, box: element("label", { class: "live-select" }, [label + " ", input]) };
  }

  function button(label, listener) {
    var node = element("button", { type: "button" }, [label]);
    node.addEventListener("click", listener);
    return node;
  }

  function fieldset(legend, name, children) {
    var group = element("fieldset", { class: "live-group " + name }, children);
    group.prepend(element("legend", {}, [legend]));
    return group;
  }

  // --- charts over time --------------------------------------------------------------------------

  var LEFT = 40;
  var RIGHT = 4;
  var TOP = 8;
  var BOTTOM = 26;

  /* Return a chart. draw() takes series, each with a class, values and the time of the first; an axis;
   * the last time; and the time now, up to which lines are strong. pick(time, share of the height,
   * whether a movement begins) is called where a pointer is pressed. */
  function chart(name, width, height, pick) {
    var plot = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img" });
    var title = element("p", { "aria-hidden": "true" });
    var end = 1;

    function x(t) {
      return LEFT + ((width - LEFT - RIGHT) * t) / end;
    }
    function y(position) {
      return height - BOTTOM - (height - TOP - BOTTOM) * Math.min(Math.max(position, 0), 1);
    }
    function call(text) {
      title.textContent = text;
      plot.setAttribute("aria-label", text + " over the steps");
    }
    function press(event) {
      var box = plot.getBoundingClientRect();
      var across = ((event.clientX - box.left) / box.width) * width;
      var down = ((event.clientY - box.top) / box.height) * height;
      var t = Math.round(((across - LEFT) / (width - LEFT - RIGHT)) * end);
      var share = (height - BOTTOM - down) / (height - TOP - BOTTOM);
      pick(Math.min(Math.max(t, 0), end), Math.min(Math.max(share, 0), 1), event.type === "pointerdown");
    }

    if (pick) {
      plot.classList.add("live-pick");
      plot.addEventListener("pointerdown", function (event) {
        plot.setPointerCapture(event.pointerId);
        press(event);
      });
      plot.addEventListener("pointermove", function (event) {
        if (plot.hasPointerCapture(event.pointerId)) press(event);
      });
    }
    call(name);
    return {
      box: element("div", { class: "live-chart" }, [title, plot]),
      plot: plot,
      call: call,
      draw: function (series, axis, last, now) {
        end = last;
        var parts = [];
        axis.ticks.forEach(function (tick) {
          var at = y(axis.position(tick[0]));
          parts.push(svg("line", { x1: LEFT, x2: width - RIGHT, y1: at, y2: at, class: "grid" }));
          parts.push(svg("text", { x: LEFT - 5, y: at + 4, class: "tick left" }, [tick[1]]));
        });
        [0, 0.5, 1].forEach(function (part) {
          var t = Math.round(part * end);
          var side = ["", "", " left"][2 * part];
          parts.push(svg("text", { x: x(t), y: height - 8, class: "tick" + side }, [String(t)]));
        });
        if (now < end) {
          parts.push(svg("line", { x1: x(now), x2: x(now), y1: TOP, y2: height - BOTTOM, class: "now" }));
        }
        series.forEach(function (one) {
          var points = one.values.map(function (v, k) {
            return [x(k + one.first), y(axis.position(v))];
          });
          var past = Math.max(now + 1 - one.first, 0);
          parts.push(svg("polyline", { points: line(points.slice(0, past)), class: "line " + one.name }));
          if (past < points.length) {
            var rest = line(points.slice(Math.max(past - 1, 0)));
            parts.push(svg("polyline", { points: rest, class: "line rest " + one.name }));
          }
        });
        empty(plot, parts);
      },
    };
  }

  function line(points) {
    return points.map(function (p) {
      return p[0].toFixed(1) + "," + p[1].toFixed(1);
    }).join(" ");
  }

  // A logarithmic axis over the positive values of some series.
  function decades(series) {
    var low = Infinity;
    var high = 0;
    series.forEach(function (one) {
      one.values.forEach(function (v) {
        if (v > 0) low = Math.min(low, v);
        high = Math.max(high, v);
      });
    });
    if (high === 0) low = high = 1;
    low = Math.floor(Math.log10(Math.max(low, high * 1e-16)));
    high = Math.max(Math.ceil(Math.log10(high)), low + 1);
    var ticks = [];
    for (var decade = low; decade <= high; decade += Math.ceil((high - low) / 5)) {
      ticks.push([Math.pow(10, decade), power(decade)]);
    }
    return {
      ticks: ticks,
      position: function (v) {
        return v > 0 ? (Math.log10(v) - low) / (high - low) : 0;
      },
    };
  }

  // A linear axis from low to high.
  function plain(low, high) {
    var step = Math.pow(10, Math.floor(Math.log10(high - low)));
    var every = (high - low) / step > 5 ? 2 * step : (high - low) / step > 2 ? step : step / 2;
    var ticks = [];
    for (var k = Math.ceil(low / every); k * every <= high; k++) {
      ticks.push([k * every, number(k * every)]);
    }
    return {
      ticks: ticks,
      low: low,
      high: high,
      position: function (v) {
        return (v - low) / (high - low);
      },
    };
  }

  // --- numbers and words -------------------------------------------------------------------------

  function power(decade) {
    if (decade > -3 && decade < 4) return String(Number(Math.pow(10, decade).toPrecision(1)));
    var digits = String(Math.abs(decade)).split("").map(function (d) {
      return "⁰¹²³⁴⁵⁶⁷⁸⁹"[d];
    });
    return "10" + (decade < 0 ? "⁻" : "") + digits.join("");
  }

  function number(v) {
    if (v === 0) return "0";
    var size = Math.abs(v);
    var text = size < 1e-3 || size >= 1e5 ? v.toExponential(1) : String(Number(v.toPrecision(3)));
    return text.replace(".0e", "e").replace("e+", "e").replace(/-/g, "−");
  }

  function table(heads, rows) {
    return element("table", { class: "live-table" }, [
      element("thead", {}, [element("tr", {}, heads.map(function (head) {
        return element("th", { scope: "col" }, [head]);
      }))]),
      element("tbody", {}, rows.map(function (row) {
        return element("tr", {}, row.map(function (cell, k) {
          return k ? element("td", {}, [cell]) : element("th", { scope: "row" }, [cell]);
        }));
      })),
    ]);
  }

  // --- links: "#name?key=value&..." --------------------------------------------------------------

  function read(key, text, min, max) {
    var value = String(text).trim() === "" ? NaN : Number(text);
    if (value >= min && value <= max) return value;
    var range = [min, max].map(function (v) {
      return v !== 0 && Math.abs(v) < 1e-3 ? number(v) : String(Number(v.toPrecision(6)));
    }).join(" and ");
    throw new Error(key + " is “" + text + "”, and must be a number between " + range);
  }

  function choose(key, text, allowed) {
    if (allowed.indexOf(text) >= 0) return text;
    throw new Error(key + " is “" + text + "”, which is not on offer");
  }

  /* Return what every live figure has: lines for messages and for the summary, and the link.
   * follow(restore) calls restore with the parameters of the page's address, now and when it changes;
   * restore throws an error, before it changes anything, if it cannot make sense of them. */
  function figure(root, name, title) {
    var message = element("p", { class: "live-message", role: "status" });
    var summary = element("p", { class: "live-summary", "aria-live": "polite" });
    var link = element("a", { href: "#" + name }, ["Link to this setting"]);
    var saying;

    function say(text) {
      message.textContent = text;
    }
    link.addEventListener("click", function (event) {
      event.preventDefault();
      history.replaceState(null, "", link.getAttribute("href"));
      say("The address of this page now restores this setting: copy it, or bookmark it.");
    });
    return {
      message: message,
      summary: summary,
      link: link,
      say: say,
      // Once the hand rests, or a screen reader would never finish.
      speak: function (describe) {
        clearTimeout(saying);
        saying = setTimeout(function () {
          summary.textContent = describe();
        }, 300);
      },
      show: function (live) {
        root.append(live);
        root.classList.add("live-on");
        root.setAttribute("role", "group");
        root.setAttribute("aria-label", title);
      },
      follow: function (restore) {
        function follow() {
          if (location.hash.indexOf("#" + name + "?") !== 0) return;
          try {
            say("");
            restore(new URLSearchParams(location.hash.slice(name.length + 2)));
          } catch (error) {
            say("This link cannot be followed: " + error.message + ". The picture is the last good one.");
          }
          root.scrollIntoView();
        }
        follow();
        window.addEventListener("hashchange", follow);
      },
    };
  }

  return {
    button: button,
    chart: chart,
    checkbox: checkbox,
    choose: choose,
    decades: decades,
    element: element,
    empty: empty,
    fieldset: fieldset,
    figure: figure,
    fill: fill,
    line: line,
    linear: linear,
    logarithmic: logarithmic,
    memory: memory,
    number: number,
    plain: plain,
    read: read,
    select: select,
    slider: slider,
    svg: svg,
    table: table,
  };
})();
