// The console's socket, on every page of the admin. Without it every page and every action still works.
//
// htmx swaps in what the socket brings; everything else about it is here: the server beats once a second, so that a
// network that is gone is noticed too; the page says since when it has heard nothing, and comes back by itself.
"use strict";
{
  const SIGNED_OUT = 4001;
  const NO_RIGHT = 4003;
  const BEAT = "beat";
  const SILENT = 2500; // milliseconds without a sign after which the page says so
  const GIVEN_UP = 5000; // and after which a socket that is still open counts as lost
  const LOOK = 250;
  const ANSWERS_WITHIN = 2000; // the same in probe.js
  const byId = (id) => document.getElementById(id);
  const { probe } = document.currentScript.dataset;

  // --- Is the server there again? ------------------------------------------------------------------------
  // A browser writes every refused connection into the page's console, and nothing can keep it from that. A shared
  // worker has a console of its own, and asks once for all tabs. Where there is none the page asks itself, less often.
  let prober = null;
  let answered = () => {};
  try {
    const worker = new SharedWorker(probe, "tcs-probe");
    prober = worker.port;
    worker.addEventListener("error", () => { prober = null; });
    prober.addEventListener("message", ({ data }) => answered(data));
    prober.start();
  } catch { /* asked from here */ }

  const isThere = async () => {
    if (prober) {
      prober.postMessage("ask");
      return new Promise((answer) => {
        answered = answer;
        setTimeout(() => answer(false), 2 * ANSWERS_WITHIN);
      });
    }
    try {
      return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ANSWERS_WITHIN) })).ok;
    } catch {
      return false;
    }
  };

  // Soon at first, about once a second later; many tabs do not come back in the same moment.
  const pause = (attempt) => 100 + Math.random() * Math.min(prober ? 1000 : 8000, 300 * 2 ** Math.min(attempt, 5));

  // --- The socket, as htmx sees it: one that is never closed, except when it is not to be opened again ----
  class LiveSocket extends EventTarget {
    constructor(url) {
      super();
      this.OPEN = WebSocket.OPEN;
      this.url = url;
      this.wire = null; // the WebSocket of this moment
      this.attempt = 0;
      this.waiting = 0;
      this.ended = false;
      this.heard();
      this.looked = Date.now();
      this.connect();
      setInterval(() => this.look(), LOOK);
      document.addEventListener("visibilitychange", () => this.look());
      window.addEventListener("online", () => this.retry(0));
      // A page that the browser keeps for “back” has no socket; the way back opens it, and brings what is true now.
      window.addEventListener("pagehide", () => this.drop());
      window.addEventListener("pageshow", (event) => { if (event.persisted) this.retry(0); });
    }

    get readyState() { return this.wire ? this.wire.readyState : WebSocket.CLOSED; }

    send(text) { if (this.readyState === WebSocket.OPEN) this.wire.send(text); }

    close() {
      this.ended = true;
      this.drop();
    }

    connect() {
      if (this.ended || this.wire) return;
      const wire = new WebSocket(this.url);
      this.wire = wire;
      this.tried = Date.now();
      wire.onopen = (event) => {
        if (wire !== this.wire) return;
        this.attempt = 0;
        this.heard();
        showConnection(true);
        this.onopen?.(event);
      };
      wire.onmessage = ({ data }) => {
        if (wire !== this.wire) return;
        this.heard();
        if (data !== BEAT) this.dispatchEvent(new MessageEvent("message", { data }));
      };
      wire.onclose = (event) => {
        if (wire !== this.wire) return;
        this.wire = null;
        showConnection(false);
        if (event.code !== SIGNED_OUT && event.code !== NO_RIGHT) { this.retry(); return; }
        this.ended = true;
        showAway(null);
        this.onclose?.(event);
      };
    }

    drop() {
      clearTimeout(this.waiting);
      const wire = this.wire;
      this.wire = null;
      showConnection(false);
      wire?.close();
    }

    retry(after = pause(this.attempt++)) {
      clearTimeout(this.waiting);
      if (this.ended || this.wire) return;
      this.waiting = setTimeout(async () => {
        const there = await isThere();
        if (there) this.connect();
        else this.retry();
      }, after);
    }

    heard() {
      this.heardAt = Date.now();
      showAway(null);
    }

    look() {
      const now = Date.now();
      // A machine that slept, or a page that was busy, has not listened: the server gets time for a sign.
      if (now - this.looked > 4 * LOOK) this.listens = now;
      this.looked = now;
      if (this.ended || document.hidden) return;
      const silent = now - Math.max(this.heardAt, this.listens || 0);
      if (silent > SILENT) showAway(this.heardAt);
      if (silent > GIVEN_UP && this.wire && now - this.tried > GIVEN_UP) {
        this.drop();
        this.retry(0);
      }
    }
  }
  htmx.createWebSocket = (url) => new LiveSocket(url);

  // --- What the page says --------------------------------------------------------------------------------
  const showConnection = (live) => {
    document.querySelector("[data-socket]")?.toggleAttribute("data-open", live);
    const shown = byId("connection");
    if (!shown) return;
    shown.hidden = false;
    shown.textContent = live ? shown.dataset.live : shown.dataset.waiting;
    shown.classList.toggle("is-live", live);
  };

  // Actions that the server could not take now. They keep the focus, so they are not disabled.
  const ACTIONS = "form[data-dialog] button, dialog form[method=post] button[type=submit]";

  const showAway = (since) => {
    const banner = byId("server-away");
    if (!banner || banner.hidden === (since === null)) return;
    banner.hidden = since === null;
    document.documentElement.classList.toggle("is-away", since !== null);
    if (since !== null) {
      const { lang } = document.documentElement;
      const locale = lang === "en" ? "en-GB" : lang; // as the server writes times
      const time = new Intl.DateTimeFormat(locale, { timeStyle: "medium" }).format(since);
      banner.textContent = banner.dataset.words.replace("{time}", time);
    }
    for (const button of document.querySelectorAll(ACTIONS)) {
      if (since === null) button.removeAttribute("aria-disabled");
      else if (!button.disabled) button.setAttribute("aria-disabled", "true");
    }
  };

  document.addEventListener("submit", (event) => {
    if (event.submitter?.getAttribute("aria-disabled") !== "true") return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // --- What this tab and the server tell each other ------------------------------------------------------
  // Where this tab stands: the end of its log, and the run that its header shows as going on.
  const standing = () => {
    const last = [...document.querySelectorAll("#log-view [data-run] > .line")].at(-1);
    const lines = document.querySelector("#log-view [data-run]");
    const going = document.querySelector("#header-run [data-run]");
    return {
      run: lines ? Number(lines.dataset.run) : 0,
      after: last ? Number(last.dataset.seq) : 0,
      shown: going ? Number(going.dataset.run) : 0,
      beats: true,
    };
  };

  document.addEventListener("htmx:wsOpen", (event) => {
    event.detail.socketWrapper.send(JSON.stringify(standing()));
  });

  document.addEventListener("htmx:wsAfterMessage", (event) => {
    event.detail.socketWrapper.send('{"seen": true}'); // the server makes the next message while this one is laid out
  });

  document.addEventListener("htmx:wsClose", (event) => {
    const { code } = event.detail.event;
    const words = byId(code === SIGNED_OUT ? "signed-out" : "no-right");
    byId("run-notice").replaceChildren(words.content.cloneNode(true));
    byId("header-run").replaceChildren(); // nobody will say when it ends
  });
}
