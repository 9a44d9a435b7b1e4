/* The lines that stand for methods: how they look, and their key. */
Live.lines = (() => {
  "use strict";

  const { svg } = Live.elements;

  // The marks at the end of a run, so that colors are not all that tells methods apart.
  const MARKS = {
    descent: "M-4-4H4V4H-4Z",
    momentum: "M0-5.5L5 4H-5Z",
    rmsprop: "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0-4.5 0Z",
    adam: "M0-5.5L5.5 0 0 5.5-5.5 0Z",
  };

  const mark = (name, attributes = {}) =>
    svg("path", { d: MARKS[name] || "", class: `mark ${name}`, ...attributes });

  // A sample for the key: the line, and the mark of those that have one.
  const sample = (name) =>
    svg("svg", { viewBox: "0 0 30 12", class: "live-sample", "aria-hidden": "true" }, [
      svg("path", { d: "M0 6H30", class: `line run ${name}` }),
      mark(name, { transform: "translate(15 6)" }),
    ]);

  const coordinates = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`);

  return { coordinates, mark, sample };
})();
