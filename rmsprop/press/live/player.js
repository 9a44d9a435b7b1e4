/* Playing a run: show(step) is called with growing steps, and stopped() when it rests again. */
Live.player = (button, show, stopped) => {
  "use strict";

  const SECONDS = 5; // for a whole run
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let frame = null;

  const pause = () => {
    if (frame === null) return;
    cancelAnimationFrame(frame);
    frame = null;
    button.textContent = "Play";
    stopped();
  };

  const play = (from, to) => {
    if (calm.matches) {
      show(to);
      stopped();
      return;
    }
    let began = null;
    button.textContent = "Pause";
    const next = (time) => {
      began = began === null ? time : began;
      const step = Math.min(Math.floor(from + ((time - began) / 1000 / SECONDS) * to), to);
      show(step);
      if (step < to) frame = requestAnimationFrame(next);
      else pause();
    };
    frame = requestAnimationFrame(next);
  };

  return { pause, play, playing: () => frame !== null };
};
