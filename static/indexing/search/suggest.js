// Suggestions under the search box, with the keyboard: the combobox pattern of the ARIA Authoring Practices Guide.
// Without this file the box is a plain search field.
"use strict";
{
  const box = document.getElementById("q");
  const list = document.getElementById("suggestions");
  const WAIT = 120;  // milliseconds between the last key and the request
  let timer = 0;
  let asked = null;
  let active = -1;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  const options = () => [...list.children];

  function close() {
    clearTimeout(timer);
    asked?.abort();
    list.hidden = true;
    activate(-1);
    box.setAttribute("aria-expanded", "false");
  }

  function activate(place) {
    active = place;
    options().forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
    if (place < 0) { box.removeAttribute("aria-activedescendant"); return; }
    box.setAttribute("aria-activedescendant", options()[place].id);
    options()[place].scrollIntoView({ block: "nearest" });
  }

  function choose(place) {
    const { text, filter } = options()[place].dataset;
    box.value = text;
    if (filter) { filterBy(filter, text); }
    close();
    box.form.requestSubmit();
  }

  // Tick the filter's box. If it is not among those shown, a field stands in for it until the results bring their own.
  function filterBy(name, value) {
    const facets = document.getElementById("facets");
    const shown = [...facets.querySelectorAll("input")].find((field) => field.name === name && field.value === value);
    if (shown) { shown.checked = true; return; }
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    facets.append(field);
  }

  function part(text, kind) {
    const element = document.createElement("bdi");
    element.className = kind;
    element.textContent = text;
    return element;
  }

  function show(suggestions) {
    list.replaceChildren(...suggestions.map((suggestion, number) => {
      const option = document.createElement("li");
      option.id = `suggestion-${number}`;
      option.setAttribute("role", "option");
      option.dataset.text = suggestion.text;
      option.dataset.filter = suggestion.filter;
      option.append(part(suggestion.text, "suggested"), part(suggestion.detail || list.dataset[suggestion.kind], "quiet"));
      return option;
    }));
    activate(-1);
    list.hidden = !suggestions.length;
    box.setAttribute("aria-expanded", String(!list.hidden));
  }

  async function ask() {
    asked?.abort();
    const mine = asked = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.suggest}?${new URLSearchParams({ q: box.value })}`, { signal: mine.signal });
      const found = answer.ok ? (await answer.json()).suggestions : [];
      if (!mine.signal.aborted) { show(found); }
    } catch (error) {
      if (!mine.signal.aborted) { close(); }  // a box without suggestions still searches
    }
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    if (box.value.trim().length < 2) { close(); return; }
    timer = setTimeout(ask, WAIT);
  });

  box.addEventListener("keydown", (event) => {
    const count = options().length;
    if (event.isComposing || event.ctrlKey || event.metaKey) { return; }
    if (event.key === "Enter") {
      if (!list.hidden && active >= 0) { event.preventDefault(); choose(active); } else { close(); }
    } else if (list.hidden) {
      // Alone it leads into the results, if there are any: cards.js.
      const asks = event.altKey || !document.querySelector("#results .expert");
      if (event.key === "ArrowDown" && asks && box.value.trim()) { event.preventDefault(); ask(); }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      activate((active + step + 1 + count + 1) % (count + 1) - 1);  // past either end is the box itself
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "Tab") {
      close();
    }
  });

  list.addEventListener("pointerdown", (event) => event.preventDefault());  // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) { choose(options().indexOf(option)); }
  });
  box.addEventListener("blur", close);
  box.form.addEventListener("submit", close);
}
