// The endpoints, drawn by Swagger UI in the colours of the page; a token that was just created is put into it.
"use strict";
{
  const place = document.getElementById("swagger-ui");
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const { theme } = root.dataset;
    root.classList.toggle("dark-mode", theme === "dark" || (theme !== "light" && prefersDark.matches));
  };
  prefersDark.addEventListener("change", follow);
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-theme"] });
  follow();

  const { document: url, csrf, token } = place.dataset;
  const ui = SwaggerUIBundle({
    url,
    domNode: place,
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: (request) => {
      if (new URL(request.url, location).origin === location.origin) request.headers["X-CSRFToken"] = csrf;
      return request;
    },
    onComplete: () => {
      if (token) ui.preauthorizeApiKey("BearerToken", token);
      place.querySelector("h1")?.setAttribute("aria-level", "2");  // the page has a heading of its own
    },
  });

  const secret = document.getElementById("token-secret");
  secret?.focus();
  secret?.select();
}
