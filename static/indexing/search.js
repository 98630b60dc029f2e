// The search page's few words to the reader when a request goes wrong; results while typing are htmx's work.
"use strict";
{
  const failed = document.getElementById("search-failed");
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, () => { failed.hidden = false; });
  }
  document.addEventListener("htmx:afterSwap", () => { failed.hidden = true; });
}
