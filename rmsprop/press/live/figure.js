/* What every live figure has: a line for messages, a summary, its link, and following links. */
Live.figure = (root, name, title) => {
  "use strict";

  const { element } = Live.elements;
  const message = element("p", { class: "live-message", role: "status" });
  const summary = element("p", { class: "live-summary", "aria-live": "polite" });
  const link = element("a", { href: `#${name}` }, ["Link to this setting"]);
  let timer;

  const say = (text) => {
    message.textContent = text;
  };

  const hush = () => clearTimeout(timer);

  // Once the hand rests, or a screen reader would never finish.
  const summarize = (describe) => {
    hush();
    timer = setTimeout(() => {
      summary.textContent = describe();
    }, 300);
  };

  const address = (hash) => {
    link.setAttribute("href", hash);
  };

  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const hash = link.getAttribute("href");
    if (location.hash !== hash) history.pushState(null, "", hash);
    say("The address of this page now restores this setting: copy it, or bookmark it.");
  });

  const attach = (live) => {
    root.append(live);
    root.classList.add("live-on");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", title);
  };

  const follows = (hash) => hash.startsWith(`#${name}?`);

  /* Call restore with the parameters of the page's address, now and when it changes; it throws an
   * error, before it changes anything, if it cannot make sense of them. Call reopen when the reader
   * goes back from such an address to one without. */
  const follow = (restore, reopen) => {
    const go = () => {
      try {
        restore(Live.links.query(location.hash));
        say("");
      } catch (error) {
        say(`This link cannot be followed: ${error.message}. The picture is the last good one.`);
      }
      root.scrollIntoView();
    };
    if (follows(location.hash)) go();
    window.addEventListener("hashchange", (event) => {
      if (follows(location.hash)) go();
      else if (follows(new URL(event.oldURL).hash)) reopen();
    });
  };

  return { address, attach, follow, hush, link, message, say, summarize, summary };
};
