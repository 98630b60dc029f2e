// The console's socket, on every page of the admin. Without it every page and every action still works.
"use strict";
{
  const SIGNED_OUT = 4001;
  const NO_RIGHT = 4003;
  const RECONNECTED_BY_HTMX = [1006, 1011, 1012, 1013];
  const byId = (id) => document.getElementById(id);

  // Half a second on average at first, never more than two: many tabs do not come back in the same moment.
  const delay = (attempt) => 100 + Math.random() * Math.min(1900, 400 * 2 ** Math.min(attempt, 3));
  htmx.config.wsReconnectDelay = delay;

  // Where this tab stands: the end of its log, and the run that its header shows as going on.
  const standing = () => {
    const lines = document.querySelector("#log-view [data-run]");
    const last = lines && lines.lastElementChild;
    const going = document.querySelector("#header-run [data-run]");
    return {
      run: lines ? Number(lines.dataset.run) : 0,
      after: last ? Number(last.dataset.seq) : 0,
      shown: going ? Number(going.dataset.run) : 0,
    };
  };

  const showConnection = (socket, live) => {
    socket.toggleAttribute("data-open", live);
    const shown = byId("connection");
    if (!shown) return;
    shown.hidden = false;
    shown.textContent = live ? shown.dataset.live : shown.dataset.waiting;
    shown.classList.toggle("is-live", live);
  };

  document.addEventListener("htmx:wsOpen", (event) => {
    showConnection(event.target, true);
    event.detail.socketWrapper.send(JSON.stringify(standing()));
  });

  document.addEventListener("htmx:wsClose", (event) => {
    showConnection(event.target, false);
    const { code } = event.detail.event;
    if (code === SIGNED_OUT || code === NO_RIGHT) {
      const words = byId(code === SIGNED_OUT ? "signed-out" : "no-right");
      if (words) byId("notice").replaceChildren(words.content.cloneNode(true));
      byId("header-run").replaceChildren(); // nobody will say when it ends
    } else if (!RECONNECTED_BY_HTMX.includes(code)) {
      setTimeout(() => event.detail.socketWrapper.reconnect(), delay(0));
    }
  });

  document.addEventListener("htmx:wsAfterMessage", (event) => {
    event.detail.socketWrapper.send('{"seen": true}'); // the server makes the next message while this one is laid out
  });
}
