// Adds accessible names to fields of Django's own widgets that have none (axe-core: label, aria-prohibited-attr).
"use strict";
{
  const words = (element) => (element ? element.textContent.trim().replace(/:$/, "") : "");
  const nameOf = (field) => {
    const row = field.closest(".form-row, .fieldBox, fieldset");
    return row ? words(row.querySelector("legend, label")) : "";
  };

  const addNames = () => {
    for (const list of document.querySelectorAll(".select2-selection__rendered")) list.setAttribute("role", "list");
    for (const tip of document.querySelectorAll(".help-tooltip[aria-label]:not([role])")) tip.setAttribute("role", "img");
    for (const field of document.querySelectorAll(".datetime input:not([aria-label])")) {
      const part = field.previousSibling && field.previousSibling.textContent.trim();
      field.setAttribute("aria-label", `${nameOf(field)} ${part || ""}`.trim());
    }
    for (const field of document.querySelectorAll(".tabular td :is(input:not([type=hidden]), select):not([aria-label])")) {
      const cell = field.closest("td");
      const head = cell.closest("table").querySelector(`th.column-${cell.className.match(/field-(\w+)/)?.[1]}, th:last-child`);
      field.setAttribute("aria-label", words(head));
    }
    for (const field of document.querySelectorAll(".select2-search__field:not([aria-label])")) {
      field.setAttribute("aria-label", nameOf(field) || document.title);
    }
  };

  // Menus of lists close like others do: by a click elsewhere, and with Escape.
  const openMenus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  window.addEventListener("load", () => setTimeout(addNames)); // after the widgets have built themselves
}
