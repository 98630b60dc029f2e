// Shows a notice on the search page when a request fails; htmx loads the results while somebody types.
"use strict";
{
  const failed = document.getElementById("search-failed");
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, () => { failed.hidden = false; });
  }
  document.addEventListener("htmx:afterSwap", () => { failed.hidden = true; });
}
