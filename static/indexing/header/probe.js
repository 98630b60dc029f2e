// A shared worker that tells all tabs whether the server answers (socket.js). It asks once, however many tabs wait.
"use strict";

const ANSWERS_WITHIN = 2000; // milliseconds
let asking = null;

const ask = async () => {
  try {
    return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(ANSWERS_WITHIN) })).ok;
  } catch {
    return false;
  }
};

self.addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = async () => {
    asking ??= ask().finally(() => { asking = null; });
    port.postMessage(await asking);
  };
});
