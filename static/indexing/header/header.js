// The notice that a run has ended: on the page, and as a browser notification for those who turned it on.
"use strict";
{
  const notice = document.getElementById("run-notice");
  const bell = document.getElementById("run-bell");
  const WANTED = "tcs-notify";

  // The index page and a run's own page already announce the outcome.
  if (document.getElementById("announcement")) notice.setAttribute("aria-live", "off");

  notice.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) notice.replaceChildren();
  });

  const remembered = (value) => {
    try {
      if (value === undefined) return localStorage.getItem(WANTED);
      localStorage.setItem(WANTED, value);
    } catch { /* without storage the choice holds for this page only */ }
    return value;
  };

  // --- Notifications: permission is requested only when the bell is pressed ------------------------------
  if ("Notification" in window) {
    let wanted = remembered() === "yes";

    const show = () => {
      const on = wanted && Notification.permission === "granted";
      bell.setAttribute("aria-pressed", String(on));
      bell.title = on ? bell.dataset.on : bell.dataset.off;
    };

    bell.addEventListener("click", async () => {
      const on = bell.getAttribute("aria-pressed") === "true";
      if (!on && await Notification.requestPermission() !== "granted") {
        notice.replaceChildren(document.getElementById("notifications-blocked").content.cloneNode(true));
      }
      wanted = !on;
      remembered(wanted ? "yes" : "no");
      show();
    });

    new MutationObserver(() => {
      const ended = notice.querySelector("[data-run]");
      if (!ended || !wanted || Notification.permission !== "granted" || document.hasFocus()) return;
      const [title, words] = ended.querySelectorAll("p");
      // One name for all tabs: fifty of them show one notification.
      const shown = new Notification(title.textContent.trim(), {
        body: words.textContent.trim().replace(/\s+/g, " "), tag: `tcs-run-${ended.dataset.run}`,
      });
      shown.addEventListener("click", () => {
        window.focus();
        shown.close();
      });
    }).observe(notice, { childList: true });

    bell.hidden = false;
    show();
  }
}
