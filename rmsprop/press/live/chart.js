/* Charts over the steps. */
Live.chart = (() => {
  "use strict";

  const { element, presses, replaceChildren, svg } = Live.elements;
  const { number, power } = Live.numbers;

  const LEFT = 40;
  const RIGHT = 4;
  const TOP = 8;
  const BOTTOM = 26;

  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  // --- axes: ticks, and the position of a value, 0 to 1 --------------------------------------------

  // A logarithmic axis over the positive values of some series.
  const decades = (series) => {
    const positive = series.flatMap((one) => one.values).filter((v) => v > 0);
    const most = positive.reduce((a, b) => Math.max(a, b), 0) || 1;
    const least = positive.reduce((a, b) => Math.min(a, b), most);
    const low = Math.floor(Math.log10(Math.max(least, most * 1e-16)));
    const high = Math.max(Math.ceil(Math.log10(most)), low + 1);
    const ticks = [];
    for (let decade = low; decade <= high; decade += Math.ceil((high - low) / 5)) {
      ticks.push([10 ** decade, power(decade)]);
    }
    const position = (v) => (v > 0 ? (Math.log10(v) - low) / (high - low) : 0);
    return { ticks, position };
  };

  const linear = (low, high) => {
    const step = 10 ** Math.floor(Math.log10(high - low));
    const spans = (high - low) / step;
    const every = spans > 5 ? 2 * step : spans > 2 ? step : step / 2;
    const ticks = [];
    for (let k = Math.ceil(low / every); k * every <= high; k++) {
      ticks.push([k * every, number(k * every)]);
    }
    return { ticks, position: (v) => (v - low) / (high - low) };
  };

  // --- charts --------------------------------------------------------------------------------------

  let charts = 0;

  /* Return a chart. draw() takes series, each with a class, values and the time of the first, an axis,
   * and the last time; at() the time up to which lines are strong. pick(time, share of the height,
   * whether a stroke begins) is called where a pointer presses. */
  const chart = (name, width, height, pick) => {
    const clip = `live-past-${charts++}`;
    const title = element("p", { "aria-hidden": "true" });
    const layers = {
      axis: svg("g"),
      all: svg("g", { class: "rest" }),
      past: svg("g", { "clip-path": `url(#${clip})` }),
    };
    const window = svg("rect", { x: 0, y: -height, height: 3 * height });
    const now = svg("line", { y1: TOP, y2: height - BOTTOM, class: "now" });
    const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "live-pick" }, [
      svg("clipPath", { id: clip }, [window]), ...Object.values(layers), now,
    ]);
    let end = 1;

    const x = (t) => LEFT + ((width - LEFT - RIGHT) * t) / end;
    const y = (position) => height - BOTTOM - (height - TOP - BOTTOM) * within(position, 0, 1);

    const call = (text) => {
      title.textContent = text;
      plot.setAttribute("aria-label", `${text} over the steps`);
    };

    const tick = ([value, text], axis) => {
      const at = y(axis.position(value));
      return [
        svg("line", { x1: LEFT, x2: width - RIGHT, y1: at, y2: at, class: "grid" }),
        svg("text", { x: LEFT - 5, y: at + 4, class: "tick left" }, [text]),
      ];
    };

    const time = (part) => {
      const t = Math.round(part * end);
      const place = { x: x(t), y: height - 8, class: part === 1 ? "tick left" : "tick" };
      return svg("text", place, [String(t)]);
    };

    const draw = (series, axis, last) => {
      end = last;
      const lines = series.map((one) => {
        const points = one.values.map((v, k) => [x(k + one.first), y(axis.position(v))]);
        return svg("polyline", {
          points: Live.lines.coordinates(points).join(" "),
          class: `line ${one.name}`,
        });
      });
      const ticks = axis.ticks.flatMap((one) => tick(one, axis));
      replaceChildren(layers.axis, [...ticks, ...[0, 0.5, 1].map(time)]);
      replaceChildren(layers.all, lines);
      replaceChildren(layers.past, lines.map((line) => line.cloneNode()));
    };

    const at = (t) => {
      window.setAttribute("width", t < end ? x(t) : 2 * width);
      now.setAttribute("x1", x(t));
      now.setAttribute("x2", x(t));
      now.classList.toggle("hidden", t >= end);
    };

    const press = (event) => {
      const box = plot.getBoundingClientRect();
      const across = ((event.clientX - box.left) / box.width) * width;
      const down = ((event.clientY - box.top) / box.height) * height;
      const t = Math.round(((across - LEFT) / (width - LEFT - RIGHT)) * end);
      const share = (height - BOTTOM - down) / (height - TOP - BOTTOM);
      pick(within(t, 0, end), within(share, 0, 1), event.type === "pointerdown");
    };
    plot.addEventListener("pointerdown", (event) => {
      if (!presses(event)) return;
      plot.setPointerCapture(event.pointerId);
      press(event);
    });
    plot.addEventListener("pointermove", (event) => {
      if (plot.hasPointerCapture(event.pointerId)) press(event);
    });

    call(name);
    return { box: element("div", { class: "live-chart" }, [title, plot]), plot, call, draw, at };
  };

  return { chart, decades, linear };
})();
