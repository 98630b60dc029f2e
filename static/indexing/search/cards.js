// Arrow keys lead from the search box into the results and through them, and Escape leads back to the box, if the page
// has one; otherwise from nowhere in particular.
// Of all cards the Tab key reaches one, the last that had the focus (roving tabindex).
"use strict";
{
  const box = document.getElementById("q");
  const results = document.getElementById("results");
  const cards = () => [...results.querySelectorAll(".expert")];
  let shown = 0;  // cards before “Show more” was pressed

  function rove(to) {
    for (const card of cards()) card.tabIndex = card === to ? 0 : -1;
  }

  function go(to) {
    rove(to);
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  }

  function step(key, at, all) {
    const last = all.length - 1;
    return { ArrowDown: Math.min(at + 1, last), ArrowUp: at - 1, Home: 0, End: last }[key];
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const all = cards();
    const card = event.target.closest?.("#results .expert");
    if (event.target === box || (!box && event.target === document.body)) {
      if (event.key !== "ArrowDown" || !all.length || (!box && scrollY > 0)) return;
      event.preventDefault();
      go(all[0]);
    } else if (card && event.key === "Escape") {
      if (box) box.focus(); else card.blur();
    } else if (card && event.key === "Enter" && event.target === card) {
      card.querySelector(".expert-head a")?.click();
    } else if (card) {
      const to = step(event.key, all.indexOf(card), all);
      if (to === undefined) return;
      event.preventDefault();
      if (to >= 0) go(all[to]); else if (box) box.focus(); else card.blur();
    }
  });

  results.addEventListener("focusin", (event) => {
    const card = event.target.closest(".expert");
    if (card) rove(card);
  });
  results.addEventListener("click", (event) => {
    if (event.target.closest(".more a")) shown = cards().length;
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target !== results && !shown) return;
    const all = cards();
    rove(all[0]);
    if (shown && all[shown]) go(all[shown]);  // the link that was pressed is gone
    shown = 0;
  });
  rove(cards()[0]);
}
