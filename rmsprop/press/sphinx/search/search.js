// The page for searching: looks through `window.sections` as one types. MiniSearch ranks.
"use strict";

{
  const QUOTED = 240; // letters around the first word found
  const SHOWN = 20;
  const GREEK =
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi psi omega".split(
      " ",
    );
  const WORD = /[\p{L}\p{N}]+(?:[-_.’'][\p{L}\p{N}]+)*/gu;

  const plain = (text) =>
    text
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .replace(/[α-ω]/g, (letter) => GREEK[letter.charCodeAt(0) - 0x3b1]);
  const parts = (word) => word.split(/[-_.’']/);
  const whole = (word) => parts(word).join("");
  const words = (text) => text.match(WORD) ?? [];
  // A compound is found by its parts, and by all of it: half-life, halflife, half life.
  const forms = (word) => new Set([whole(word), ...parts(word)].map(plain));

  const search = new MiniSearch({
    idField: "address",
    fields: ["title", "entries", "page", "text"],
    storeFields: ["title", "entries", "page", "text"],
    tokenize: (text) => words(text).flatMap((word) => [...forms(word)]),
    processTerm: (term) => term,
    searchOptions: {
      tokenize: (query) => words(query).map(whole).map(plain),
      boost: { entries: 8, title: 4, page: 2 },
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  });
  search.addAll(window.sections);

  // What bears the very name comes first, and what the chapters are made with after the chapters.
  const same = (text) => words(text).map(whole).map(plain).join(" ");
  const weigh = (query) => (address, _, { title, entries }) => {
    const named = [title, ...entries.split("; ")].map(same).includes(same(query));
    return (named ? 3 : 1) * (/^api-(experiments|press)/.test(address) ? 0.5 : 1);
  };

  const find = (query) => {
    const options = { boostDocument: weigh(query) };
    const all = search.search(query, { ...options, combineWith: "AND" });
    return (all.length ? all : search.search(query, options)).slice(0, SHOWN);
  };

  // The text around the first word found, in pieces: every second one was found.
  const quote = ({ text, terms }) => {
    const found = new Set(terms);
    const places = [...text.matchAll(WORD)].filter(([word]) =>
      [...forms(word)].some((form) => found.has(form)),
    );
    const first = places.length ? places[0].index : 0;
    let start = Math.max(0, first - QUOTED / 3);
    if (start) start = text.indexOf(" ", start) + 1;
    let end = text.lastIndexOf(" ", start + QUOTED);
    if (start + QUOTED >= text.length) end = text.length;
    const pieces = [start ? "… " : ""];
    let at = start;
    for (const { 0: word, index } of places.filter(({ index }) => index >= start && index < end)) {
      pieces[pieces.length - 1] += text.slice(at, index);
      pieces.push(word, "");
      at = index + word.length;
    }
    pieces[pieces.length - 1] += text.slice(at, end) + (end < text.length ? " …" : "");
    return pieces;
  };

  const element = (name, attributes, ...children) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  };
  const item = (hit) =>
    element(
      "li",
      {},
      element("a", { href: hit.id }, hit.title),
      element("span", { className: "where" }, hit.page === hit.title ? "" : hit.page),
      element(
        "p",
        { className: "context" },
        ...quote(hit).map((piece, at) => (at % 2 ? element("mark", {}, piece) : piece)),
      ),
    );

  const field = document.querySelector(".bd-search-container input[name=q]");
  const status = element("p", { role: "status", className: "search-summary" });
  const list = element("ol", { className: "search" });
  document.getElementById("search-results").append(status, list);

  const show = () => {
    const query = field.value.trim();
    const hits = find(query);
    list.replaceChildren(...hits.map(item));
    if (!query) status.textContent = "";
    else if (!hits.length) status.textContent = `Nothing was found for “${query}”.`;
    else status.textContent = hits.length === 1 ? "1 section" : `${hits.length} sections, the best first`;
    history.replaceState(null, "", query ? `?${new URLSearchParams({ q: query })}` : "?");
  };

  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.addEventListener("input", show);
  field.form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
