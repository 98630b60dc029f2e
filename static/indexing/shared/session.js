// A page that the browser shows once more on the way “back” is for whoever was signed in when it was loaded. Not
// deferred: of a page that is for somebody else nothing may be seen.
"use strict";
{
  const KEY = "tcs-user";
  const mine = document.querySelector("meta[name=tcs-user]").content;
  const [navigation] = performance.getEntriesByType("navigation");

  const another = () => {
    try {
      const last = localStorage.getItem(KEY); // the user of the page that was loaded last, in any tab
      return last !== null && last !== mine;
    } catch {
      return false;
    }
  };
  const reload = () => {
    document.documentElement.hidden = true;
    location.reload();
  };

  if (navigation?.type === "back_forward" && another()) {
    reload();
  } else {
    try { localStorage.setItem(KEY, mine); } catch { /* then the server alone is asked, below */ }
  }

  window.addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    if (another()) reload();
    else if (mine) {
      try { // the session may have ended without a page that says so
        const { type, status } = await fetch("/", { method: "HEAD", redirect: "manual", cache: "no-store" });
        if (type === "opaqueredirect" || status === 403) reload();
      } catch { /* the server is away: nothing is known */ }
    }
  });
}
