// The log that grows: it stays at its end while the reader is there, and holds no more than a page's worth of lines.
// What a log's lines can do is in log_lines.js, which also serves the log of a run that has ended.
"use strict";
{
  const HARD_LIMIT = 5;
  const AT_END = 30; // pixels
  const byId = (id) => document.getElementById(id);
  const view = byId("log-view");
  const jump = byId("jump");
  let pinned = !/^#L\d+$/.test(location.hash);

  const toEnd = () => { view.scrollTop = view.scrollHeight; };

  const trim = () => {
    // What is being read is not taken away under the reader, within reason.
    const list = view.querySelector("[data-run]");
    if (!list) return;
    const lines = [...list.querySelectorAll(".line")];
    const room = Number(view.dataset.window) * (pinned ? 1 : HARD_LIMIT);
    const gone = lines.splice(0, Math.max(0, lines.length - room));
    for (const line of gone) line.remove();
    const [first] = lines;
    const earlier = byId("log-earlier");
    const { wanted } = view.dataset;
    // Of all lines the first one's number tells how many are missing; of those that were searched for it does not.
    const missing = wanted ? Number(earlier.dataset.earlier) + gone.length : first ? Number(first.dataset.seq) - 1 : 0;
    earlier.dataset.earlier = missing;
    earlier.hidden = missing < 1;
    earlier.textContent = view.dataset.earlier.replace("{n}", missing.toLocaleString(document.documentElement.lang));
    const after = wanted ? 0 : Math.max(0, missing - Number(view.dataset.window));
    earlier.search = `?after=${after}${wanted ? `&${wanted}` : ""}`;
  };

  const tend = () => {
    trim();
    view.dispatchEvent(new CustomEvent("log:changed", { bubbles: true }));
    if (pinned) toEnd();
    jump.hidden = pinned;
  };

  if (view) {
    document.addEventListener("htmx:wsAfterMessage", tend);
    view.addEventListener("scroll", () => {
      pinned = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
      jump.hidden = pinned;
    }, { passive: true });
    jump.addEventListener("click", () => {
      pinned = true;
      tend();
      view.focus({ preventScroll: true });
    });
    const levels = byId("level-filter"); // a run's page asks the server
    if (levels) {
      levels.addEventListener("change", () => {
        view.dataset.level = levels.value;
        tend();
      });
      view.dataset.level = levels.value; // kept by the browser over a reload
    }
    new ResizeObserver(() => { if (pinned) toEnd(); }).observe(view);
    if (pinned) toEnd();
  }
}
