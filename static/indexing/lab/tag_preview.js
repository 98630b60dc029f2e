// A word to the reader when the preview of a tag goes wrong; asking while typing is htmx's work.
"use strict";
{
  const failed = document.getElementById("tag-preview-failed");
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, () => { failed.hidden = false; });
  }
  document.addEventListener("htmx:afterSwap", () => { failed.hidden = true; });
}
