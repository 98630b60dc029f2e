// Ctrl+K or Command+K opens a field from which arrow keys lead to pages, shortlists and experts. “/” leads to the search
// box, for those who have no list of shortcuts (keys.js), in which it is one of many.
"use strict";
{
  const dialog = document.getElementById("jump");
  const link = document.querySelector(".jump-link");
  if (dialog && link) {
    const box = dialog.querySelector("input");
    const places = document.getElementById("jump-places");
    const WAIT = 120;  // milliseconds between the last key and the request
    let timer = 0;
    let asked = null;

    const address = () => `${box.form.getAttribute("action")}?${new URLSearchParams({ q: box.value })}`;
    const links = () => [...places.querySelectorAll("a")];

    async function ask() {
      asked?.abort();
      const mine = asked = new AbortController();
      try {
        const typed = address();
        const answer = await fetch(typed, { headers: { "HX-Request": "true" }, signal: mine.signal });
        const part = answer.ok ? await answer.text() : "";
        if (mine.signal.aborted) return;
        places.replaceChildren(...new DOMParser().parseFromString(part, "text/html").body.childNodes);
        places.dataset.typed = typed;
      } catch (error) {
        if (!mine.signal.aborted) places.replaceChildren();  // Enter still leads to the page
      }
    }

    function open() {
      if (dialog.open) return;
      dialog.showModal();
      box.select();
      ask();
    }

    box.form.addEventListener("submit", (event) => {  // Enter: to the first place, if those shown are for what is typed
      if (places.dataset.typed !== address() || !links().length) return;
      event.preventDefault();
      location.assign(links()[0].href);
    });
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();  // its backdrop
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.isComposing || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
      event.preventDefault();
      const all = [box, ...links()];
      const to = all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      all.at(to % all.length).focus();
    });
    document.addEventListener("keydown", (event) => {
      const other = document.querySelector("dialog:modal");
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      if (event.isComposing || (other && other !== dialog)) return;
      event.preventDefault();
      if (dialog.open) dialog.close(); else open();
    });
    const hint = link.querySelector("kbd");
    hint.textContent = /Mac|iP(hone|ad)/.test(navigator.platform) ? "⌘K" : "Ctrl K";
    hint.hidden = false;
  }
  if (!document.getElementById("shortcuts")) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select") || document.querySelector("dialog:modal")) return;
      const box = document.getElementById("q");
      const brand = document.querySelector(".top .brand");
      if (!box && !dialog) return;
      event.preventDefault();
      if (box) { box.focus(); box.select(); } else location.assign(brand.href);
    });
  }
}
