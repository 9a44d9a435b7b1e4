/* The switch "Show code" opens all code of this page and of those to come. Jupyter Book loads each
   script of this folder in the head, so that this one runs before there is anything to see. */
(() => {
  const shown = () => localStorage.getItem("code") === "shown";

  function apply() {
    for (const fold of document.querySelectorAll("details.fold.code")) fold.open = shown();
    document.getElementById("show-code")?.setAttribute("aria-pressed", shown());
  }

  function toggle() {
    localStorage.setItem("code", shown() ? "folded" : "shown");
    apply();
  }

  // As the page arrives, so that nothing opens under the reader's eyes.
  const arriving = new MutationObserver(apply);
  if (shown()) arriving.observe(document, { childList: true, subtree: true });
  document.addEventListener("DOMContentLoaded", () => {
    arriving.disconnect();
    if (shown()) apply();
    document.getElementById("show-code")?.addEventListener("click", toggle);
  });
})();
