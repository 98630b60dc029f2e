// Filters next to the results are open; on a narrow screen they would push the results out of sight.
"use strict";
{
  const filters = document.querySelector(".filters");
  const narrow = window.matchMedia("(max-width: 860px)");
  const fit = () => { filters.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
}
