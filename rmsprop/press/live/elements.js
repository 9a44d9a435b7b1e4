/* The elements of the live figures: HTML, SVG, and controls that have a name and a listener. */
Live.elements = (() => {
  "use strict";

  const filled = (node, attributes = {}, children = []) => {
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };

  const element = (name, ...rest) => filled(document.createElement(name), ...rest);

  const svg = (name, ...rest) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", name), ...rest);

  const replaceChildren = (node, children) => node.replaceChildren(...children);

  // The group is part of the slider's name, not of its label: it stands above, once.
  const slider = (id, group, label, listener) => {
    const name = `${group} ${label}`.trim();
    const input = element("input", { type: "range", id, min: 0, step: 1, "aria-label": name });
    // What it says is said by the slider; a play would say it hundreds of times.
    const output = element("output", { for: id, "aria-live": "off" });
    let scale;
    input.addEventListener("input", () => listener(scale.stops[input.value]));
    return {
      input,
      box: element("div", { class: "live-row" }, [element("label", { for: id }, [label]), input, output]),
      set: (used, value, text) => {
        scale = used;
        input.max = scale.stops.length - 1;
        input.value = Live.numbers.stopOf(scale, value);
        input.setAttribute("aria-valuetext", text);
        output.textContent = text;
      },
    };
  };

  const checkbox = (label, listener) => {
    const input = element("input", { type: "checkbox" });
    input.addEventListener("change", () => listener(input.checked));
    return { input, box: element("label", { class: "live-check" }, [input, label]) };
  };

  const select = (label, entries, listener) => {
    const options = entries.map(([value, text]) => element("option", { value }, [text]));
    const input = element("select", {}, options);
    input.addEventListener("change", () => listener(input.value));
    return { input, box: element("label", { class: "live-select" }, [label, input]) };
  };

  const button = (label, listener) => {
    const node = element("button", { type: "button" }, [label]);
    node.addEventListener("click", listener);
    return node;
  };

  const fieldset = (legend, name, children) =>
    element("fieldset", { class: `live-group ${name}` }, [element("legend", {}, legend), ...children]);

  const folded = (summary, children) =>
    element("details", { class: "live-folded" }, [element("summary", {}, [summary]), ...children]);

  // Rows and heads of text or elements; the first of a row is its head.
  const table = (heads, rows) => {
    const head = heads.map((cell) => element("th", { scope: "col" }, [cell]));
    const body = rows.map(([first, ...cells]) =>
      element("tr", {}, [
        element("th", { scope: "row" }, [].concat(first)),
        ...cells.map((cell) => element("td", {}, [cell])),
      ]),
    );
    return element("table", { class: "live-table" }, [
      element("thead", {}, [element("tr", {}, head)]),
      element("tbody", {}, body),
    ]);
  };

  // Only the main button of a mouse presses, and the first finger.
  const presses = (event) => event.button === 0 && event.isPrimary;

  return {
    button, checkbox, element, fieldset, folded, presses, replaceChildren, select, slider, svg, table,
  };
})();
