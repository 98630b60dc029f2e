// Copies the address of the page, without the search that led to it.
"use strict";
{
  const button = document.getElementById("copy-link");
  const said = document.getElementById("copied");
  if (navigator.clipboard) button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.origin + location.pathname);
    said.textContent = "";
    said.textContent = button.dataset.copied;
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}
