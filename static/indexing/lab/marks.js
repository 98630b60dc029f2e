// Good or bad, never both, and the same for one expert in both columns. Without this file the server refuses both.
"use strict";
document.addEventListener("change", (event) => {
  const ticked = event.target.closest?.(".lab-judge input[type=checkbox]");
  if (!ticked) return;
  for (const other of document.querySelectorAll(`.lab-judge input[type=checkbox][value="${ticked.value}"]`)) {
    if (other.name === ticked.name) other.checked = ticked.checked;
    else if (ticked.checked) other.checked = false;
  }
});
