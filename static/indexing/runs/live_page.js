// What a live page of the console does with what its socket brings (socket.js), dialogs and times. The log is in log.js.
"use strict";
{
  const byId = (id) => document.getElementById(id);
  const say = (templateId) => byId("notice").replaceChildren(byId(templateId).content.cloneNode(true));

  // --- What the socket brings -----------------------------------------------------------------------------
  const AGES = /(<time [^>]*data-(?:relative|since)[^>]*>)[^<]*/g; // `tick` keeps them right
  const ageless = (each) => each.innerHTML.trim().replace(AGES, "$1");
  const arrived = new WeakMap();
  for (const each of document.querySelectorAll("[id]")) {
    if (!each.closest(".log-lines")) arrived.set(each, ageless(each));
  }
  const NOTICE_LASTS = 2000;
  let noticedAt = 0;
  let focused = null;

  // Where the focus is, so that it is not lost with what is replaced: the same element, or the first one in what is
  // left around it.
  const FOCUSABLE = ":is(a[href], button, input, select, summary, [tabindex]):not(:disabled)";

  document.addEventListener("htmx:wsBeforeMessage", () => {
    const element = document.activeElement;
    focused = { what: element.outerHTML, frames: [] };
    for (let at = element.closest("[id]"); at; at = at.parentElement.closest("[id]")) focused.frames.push(at.id);
  });

  const focusAgain = () => {
    if (document.activeElement !== document.body) return;
    for (const frame of focused.frames.map(byId).filter(Boolean)) {
      const all = [frame, ...frame.querySelectorAll(FOCUSABLE)].filter((each) => each.matches(FOCUSABLE));
      const again = all.find((each) => each.outerHTML === focused.what) || all[0];
      if (again) {
        again.focus({ preventScroll: true });
        return;
      }
    }
  };

  // On every connecting all fragments are sent again; what is the same stays untouched (nothing flickers, no click
  // and no selection is lost, nothing is read out twice).
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.closest("#log-view, #log-head")) return;
    const html = ageless(fragment);
    if (html === arrived.get(target)) event.detail.shouldSwap = false;
    const news = target.id === "announcement" && target.textContent.trim() !== fragment.textContent.trim();
    if (news && Date.now() - noticedAt > NOTICE_LASTS) byId("notice").replaceChildren(); // it speaks of what was
    arrived.set(target, html);
  });

  document.addEventListener("htmx:wsAfterMessage", () => {
    focusAgain();
    tick();
  });

  // --- Confirmation dialogs -------------------------------------------------------------------------------
  const openers = new WeakMap();

  document.addEventListener("submit", (event) => {
    const dialog = byId(event.target.dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    for (const field of event.target.querySelectorAll("input[type=hidden]")) {
      dialog.querySelector(`input[name="${field.name}"]`).value = field.value;
    }
    openers.set(dialog, event.submitter);
    dialog.showModal();
  });

  // The browser restores the focus, unless the socket has replaced the button that opened the dialog.
  document.addEventListener("close", ({ target: dialog }) => {
    const opener = openers.get(dialog);
    if (opener && document.activeElement === document.body) byId(opener.id)?.focus();
  }, true);

  document.addEventListener("click", (event) => {
    if (event.target.closest("dialog [data-close]")) event.target.closest("dialog").close();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt; // by now its answer may have replaced it
    if (!form.matches("dialog form, form.undo")) return;
    form.closest("dialog")?.close();
    noticedAt = Date.now();
    // htmx counts every answer that it shows as a success, a refusal (409) too.
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    const done = status >= 200 && status < 400;
    if (done) form.reset();
    if (!done && status !== 409) {
      say("request-failed");
    } else if (done && !document.querySelector("[data-socket][data-open]")) {
      location.reload(); // no socket will bring the news
    }
    byId("notice").scrollIntoView({ block: "nearest" });
  });

  // --- Times ----------------------------------------------------------------------------------------------
  const language = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

  const HOUR = new Intl.NumberFormat(language, { style: "unit", unit: "hour", unitDisplay: "narrow" })
    .formatToParts(1).find((part) => part.type === "unit").value; // h, u

  const ago = (seconds) => {
    const [unit, length] = UNITS.find(([, size]) => seconds >= size) || ["second", 1];
    return relative.format(-Math.floor(seconds / length), unit);
  };

  const lasted = (seconds) => {
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    if (minutes < 1) return `${seconds} s`;
    if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
    return `${Math.floor(minutes / 60)} ${HOUR} ${two(minutes % 60)} min`;
  };

  const tick = () => {
    const away = document.documentElement.classList.contains("is-away"); // nobody knows whether the run goes on
    for (const time of document.querySelectorAll(`time[data-relative]${away ? "" : ", time[data-since]"}`)) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
      const words = "since" in time.dataset ? lasted(seconds) : ago(seconds);
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(tick, 1000);
  tick();
}
