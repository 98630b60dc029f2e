// Shortcuts. The dialog that lists them is where they are defined: links and buttons with data-keys.
"use strict";
{
  const dialog = document.getElementById("shortcuts");
  const button = document.getElementById("shortcuts-button");
  const toggle = document.getElementById("shortcuts-on");
  const OFF = "tcs-shortcuts-off";
  const SECOND_KEY_WITHIN = 1500; // milliseconds
  let first = "";
  let pressedAt = 0;

  const stored = () => {
    try { return localStorage.getItem(OFF) !== null; } catch { return false; }
  };
  toggle.checked = !stored();
  toggle.addEventListener("change", () => {
    try {
      if (toggle.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch { /* then it holds for this page */ }
  });

  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  dialog.querySelector("[data-close-shortcuts]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // its backdrop
  });

  const typing = (target) => target.isContentEditable || target.closest("input, textarea, select, [role=combobox]");
  const visible = (selector) => [...document.querySelectorAll(selector)].find((each) => each.checkVisibility());

  const act = (entry) => {
    if (entry === "?") { dialog.showModal(); return; }
    dialog.close();
    const focused = entry.dataset.focus && visible(entry.dataset.focus);
    const form = entry.dataset.ask && document.querySelector(`form[data-dialog="${entry.dataset.ask}"] button:enabled`);
    if (focused) {
      focused.focus();
      focused.select?.();
    } else if (form) {
      form.click();
    } else {
      location.assign(entry.href);
    }
  };

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.(".phone-menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const entryOf = (keys) => (keys === "?" ? "?" : dialog.querySelector(`a[data-keys="${CSS.escape(keys)}"]`));
  const opensMore = (key) => dialog.querySelector(`a[data-keys^="${CSS.escape(key)} "]`);

  dialog.addEventListener("click", (event) => {
    const entry = event.target.closest("a[data-focus], a[data-ask]");
    if (!entry || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    act(entry);
  });

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (!toggle.checked || event.defaultPrevented || event.isComposing || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || key.length !== 1) return;
    const other = document.querySelector("dialog:modal");
    if ((other && other !== dialog) || (typing(target) && target !== toggle)) return;
    const began = Date.now() - pressedAt < SECOND_KEY_WITHIN ? first : "";
    const entry = (began && entryOf(`${began} ${key}`)) || (key !== " " && entryOf(key));
    first = "";
    if (entry) {
      event.preventDefault(); // the key is not typed into what gets the focus
      act(entry);
    } else if (opensMore(key)) {
      first = key;
      pressedAt = Date.now();
    }
  });
}
