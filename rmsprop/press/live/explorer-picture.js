/* The explorer's picture: contours, paths, arrows, and the start, which can be dragged. */
Live.explorerPicture = (data, model, place) => {
  "use strict";

  const { presses, replaceChildren, svg } = Live.elements;
  const { coordinates, mark } = Live.lines;
  const SIZE = 400; // of the side, in units of its own
  const ARROW = 44;

  const title = svg("title", { id: "explorer-title" });
  const layers = {
    contours: svg("g", { class: "contours" }),
    axes: svg("g"),
    paths: svg("g"),
    arrows: svg("g", { class: "rmsprop" }),
    minima: svg("g"),
  };
  const handle = svg("g", { class: "handle" }, [
    svg("circle", { class: "halo", r: 26 }),
    svg("circle", { class: "start", r: 6 }),
  ]);
  const hint = svg("text", { x: SIZE - 8, y: 18, class: "tick left" }, ["drag the dot, or use the sliders"]);
  const frame = { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "live-picture", role: "img" };
  const picture = svg("svg", { ...frame, "aria-labelledby": "explorer-title" }, [
    title, ...Object.values(layers), hint, handle,
  ]);
  const arrows = {
    gradient: svg("path", { class: "line dashed" }),
    step: svg("path", { class: "line" }),
  };
  layers.arrows.append(arrows.gradient, arrows.step);

  let surface; // the one that is drawn
  let name;
  let drawn = []; // a line and a mark for each run, and where they go

  const toPicture = (w) =>
    w.map((value, i) => {
      const u = ((value - surface.center[i]) / surface.half) * (i ? -1 : 1);
      // Far outside is far enough.
      return Math.min(Math.max((SIZE / 2) * (1 + u), -9999), 9999);
    });

  const translate = (point) => `translate(${point.map((v) => v.toFixed(1))})`;

  // --- what stays while a run plays ----------------------------------------------------------------

  const tick = (value, i) => {
    const at = toPicture([value, value])[i];
    const where = i ? { x: 5, y: at + 4, class: "tick right" } : { x: at, y: SIZE - 6, class: "tick" };
    return svg("text", where, [String(value).replace("-", "−")]);
  };

  const ticks = (i) => {
    const { center, half } = surface;
    const every = half > 4 ? 2 : half > 2 ? 1 : 0.5;
    const found = [];
    for (let k = Math.ceil((center[i] - 0.9 * half) / every); k * every < center[i] + 0.9 * half; k++) {
      found.push(tick(k * every, i));
    }
    return found;
  };

  // The quadratic's lines are circles, squeezed into the valley; others come with the data.
  const contours = () =>
    name === "quadratic"
      ? surface.levels.map((level) => svg("circle", { r: Math.sqrt(2 * level) }))
      : [svg("path", { d: surface.contours.join("") })];

  const drawSurface = (wanted) => {
    if (name === wanted) return;
    name = wanted;
    surface = data.surfaces[name];
    title.textContent = `Paths of the chosen methods on the surface: ${surface.label}`;
    replaceChildren(layers.contours, contours());
    replaceChildren(layers.axes, [0, 1].flatMap(ticks));
  };

  const turnSurface = (settings) => {
    const quadratic = name === "quadratic";
    const scale = SIZE / 2 / (quadratic ? surface.half : 1000);
    const squeezed = quadratic ? ` scale(1 ${1 / Math.sqrt(settings.condition)})` : "";
    const turned = surface.turns ? ` rotate(${settings.angle})` : "";
    const middle = `translate(${SIZE / 2} ${SIZE / 2})`;
    layers.contours.setAttribute("transform", `${middle} scale(${scale} ${-scale})${turned}${squeezed}`);
    const stars = model.minima(settings).map((minimum) => {
      const [x, y] = toPicture(minimum);
      return svg("text", { x, y, class: "minimum" }, ["★"]);
    });
    replaceChildren(layers.minima, stars);
  };

  const drawRun = ([method, run]) => {
    const points = run.points.map(toPicture);
    const line = svg("polyline", { class: `line run ${method}` });
    return { line, mark: mark(method), points, texts: coordinates(points), run };
  };

  const draw = (settings, runs) => {
    drawSurface(settings.surface);
    turnSurface(settings);
    handle.setAttribute("transform", translate(toPicture([settings.x, settings.y])));
    // RMSprop is drawn last, above the others.
    drawn = Object.entries(runs).reverse().map(drawRun);
    replaceChildren(layers.paths, [...drawn.map(({ line }) => line), ...drawn.map((one) => one.mark)]);
  };

  // --- what moves ----------------------------------------------------------------------------------

  const arrow = ([x, y], direction) => {
    const length = Math.hypot(...direction);
    if (!(length > 0)) return "";
    const [dx, dy] = [direction[0] / length, -direction[1] / length];
    const tip = [x + ARROW * dx, y + ARROW * dy];
    const barb = (side) => [tip[0] - 8 * dx - side * 4 * dy, tip[1] - 8 * dy + side * 4 * dx];
    const [from, to, left, right] = coordinates([[x, y], tip, barb(-1), barb(1)]);
    return `M${from}L${to}M${left}L${to}L${right}`;
  };

  // How RMSprop turns the gradient: two arrows of one length from where it stood.
  const pointArrows = (step, last) => {
    const one = drawn.find(({ mark }) => mark.matches(".rmsprop"));
    const visible = one && step > 0 && step < last && step < one.points.length;
    if (visible) {
      const { points, gradients } = one.run;
      const [from, to] = [points[step - 1], points[step]];
      const downhill = gradients[step - 1].map((g) => -g);
      arrows.gradient.setAttribute("d", arrow(one.points[step - 1], downhill));
      arrows.step.setAttribute("d", arrow(one.points[step - 1], [to[0] - from[0], to[1] - from[1]]));
    }
    layers.arrows.classList.toggle("hidden", !visible);
  };

  const at = (step, last) => {
    for (const { line, mark, points, texts } of drawn) {
      line.setAttribute("points", texts.slice(0, step + 1).join(" "));
      mark.setAttribute("transform", translate(points[Math.min(step, points.length - 1)]));
    }
    pointArrows(step, last);
  };

  // --- dragging ------------------------------------------------------------------------------------

  const placeUnder = (event) => {
    const box = picture.getBoundingClientRect();
    const u = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    place(u.map((part, i) => surface.center[i] + surface.half * (2 * part - 1)));
  };
  handle.addEventListener("pointerdown", (event) => {
    if (!presses(event)) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) placeUnder(event);
  });
  // A finger on the dot moves the dot, not the page.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  picture.addEventListener("click", (event) => {
    if (!handle.contains(event.target)) placeUnder(event);
  });

  return { picture, draw, at };
};
