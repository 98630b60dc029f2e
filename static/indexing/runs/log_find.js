// Finds text in the lines of a log that the page shows, also in those that come: marked while somebody types.
"use strict";
{
  const MOST = 2000;
  const log = document.getElementById("log");
  const box = log.querySelector("[data-find]");
  const said = document.getElementById("log-found");
  const steps = log.querySelector(".log-steps");
  const marks = "highlights" in CSS && "Highlight" in window; // without it the lines are counted and stepped through
  let found = [];
  let at = -1;

  const ranges = (line, pattern) => {
    const message = line.querySelector("bdi");
    const walker = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
    const nodes = [];
    for (let start = 0, node = walker.nextNode(); node; start += node.length, node = walker.nextNode()) {
      nodes.push({ node, start, end: start + node.length });
    }
    return [...message.textContent.matchAll(pattern)].map((match) => {
      const range = new Range();
      const last = match.index + match[0].length;
      const from = nodes.find(({ end }) => match.index < end);
      const to = nodes.find(({ end }) => last <= end);
      range.setStart(from.node, match.index - from.start);
      range.setEnd(to.node, last - to.start);
      return { line, range };
    });
  };

  const mark = () => {
    if (!marks) return;
    CSS.highlights.set("log-found", new Highlight(...found.map(({ range }) => range)));
    CSS.highlights.set("log-current", new Highlight(...(found[at] ? [found[at].range] : [])));
  };

  const count = () => {
    const { one, none } = said.dataset;
    const number = (value) => value.toLocaleString(document.documentElement.lang);
    const total = found.length < MOST ? number(found.length) : `${number(MOST)}+`;
    const words = !box.value ? "" : found.length ? one.replace("{n}", number(at + 1)).replace("{total}", total) : none;
    if (said.textContent !== words) said.textContent = words;
    steps.hidden = !found.length;
  };

  const search = () => {
    const here = found[at];
    found = [];
    const text = box.value.trim();
    if (text) {
      const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "gi");
      for (const line of log.querySelectorAll(".line")) {
        if (!line.hidden && !line.checkVisibility()) continue; // of another level
        found.push(...ranges(line, pattern));
        if (found.length >= MOST) break;
      }
    }
    const same = ({ line, range }) => line === here?.line && range.startOffset === here.range.startOffset;
    at = here ? found.findIndex(same) : -1;
    mark();
    count();
  };

  const step = (by) => {
    if (!found.length) return;
    at = at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length;
    const { line } = found[at];
    if (line.hidden) log.dispatchEvent(new CustomEvent("log:unfold", { detail: line }));
    line.scrollIntoView({ block: "center" });
    mark();
    count();
  };

  box.addEventListener("input", search);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || box.form) return; // in a form, Enter searches all lines on the server
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  });
  steps.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) step(Number(button.dataset.step));
  });
  log.addEventListener("log:changed", () => { if (box.value) search(); });
  for (const each of log.querySelectorAll(".log-find")) each.hidden = false;
  if (box.value) search();
}
