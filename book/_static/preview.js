// Show what a reference leads to, beside it: on hover, and on focus by keyboard; Escape hides it.
// Things on other pages come from previews.js, which the build writes and the first of them loads.
(() => {
  const previews = new URL("previews.js", document.currentScript.src).href;
  const box = document.createElement("div");
  box.id = "reference-preview";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  let shown = null, wanted = null, timer, loading;

  const kind = "figure, .math, .citation, .admonition";

  function load() {
    return (loading ??= new Promise((loaded) => {
      const script = document.createElement("script");
      script.src = previews;
      script.addEventListener("load", loaded);
      document.head.append(script);
    }));
  }

  async function find(link) {
    const address = link.getAttribute("href");
    if (!address.startsWith("#")) {
      await load();
      return window.previews[address];
    }
    const target = document.getElementById(decodeURIComponent(address.slice(1)));
    return target?.matches(kind) ? target.outerHTML : undefined;
  }

  async function show(link) {
    wanted = link;
    const content = await find(link);
    if (!content || shown === link || wanted !== link) return;
    hide();
    shown = link;
    box.innerHTML = content;
    box.querySelectorAll(".headerlink, .toggle-button").forEach((element) => element.remove());
    box.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
    // Two stops more for the keyboard would be two too many.
    box.querySelectorAll("a, button, [tabindex]").forEach((element) => (element.tabIndex = -1));
    document.body.append(box);
    box.hidden = false;
    link.setAttribute("aria-describedby", box.id);
    place();
    box.querySelectorAll("img").forEach((image) => image.addEventListener("load", place));
  }

  function place() {
    if (!shown) return;
    const link = shown.getBoundingClientRect(), gap = 6;
    const left = Math.max(8, Math.min(link.left, innerWidth - box.offsetWidth - 8));
    const above = link.bottom + gap + box.offsetHeight > innerHeight && link.top > innerHeight / 2;
    const top = above ? link.top - gap - box.offsetHeight : link.bottom + gap;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${top + scrollY}px`;
  }

  function hide() {
    clearTimeout(timer);
    wanted = null;
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    box.hidden = true;
    box.replaceChildren();
  }

  function later(action, milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const link of document.querySelectorAll("article a.reference.internal[href*='#']")) {
      link.addEventListener("mouseenter", () => later(() => show(link), 150));
      link.addEventListener("mouseleave", () => later(hide, 200));
      link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
      link.addEventListener("blur", hide);
    }
  });
  box.addEventListener("mouseenter", () => clearTimeout(timer));
  box.addEventListener("mouseleave", () => later(hide, 200));
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
