// A log's lines: folded by stage, each with a link of its own, and copied as text. Without this file every line still
// has its number, which is a link, and its stage.
"use strict";
{
  const log = document.getElementById("log");
  const byId = (id) => document.getElementById(id);
  const lists = () => log.querySelectorAll(".log-lines");
  const linesOf = (list) => [...list.querySelectorAll(".line")];
  const allLines = () => [...lists()].flatMap(linesOf);
  const BAD = ":is([data-level=error], [data-level=critical])";

  // --- Folding -------------------------------------------------------------------------------------------
  const labels = JSON.parse(byId("log-tools").dataset.stages);
  const heads = () => [...log.querySelectorAll(".log-fold")];
  const isOpen = (head) => head.firstElementChild.getAttribute("aria-expanded") === "true";
  const foldAll = byId("log-fold");

  const makeHead = (stage) => {
    const head = document.createElement("li");
    head.className = "log-fold";
    head.dataset.stage = stage;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-expanded", "true");
    const label = document.createElement("span");
    label.textContent = labels[stage] || stage;
    const count = document.createElement("span");
    count.className = "log-fold-count";
    button.append(label, " ", count);
    head.append(button);
    return head;
  };

  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  // Lines come at the end and go at the beginning: each run of lines of one stage gets its head, or keeps it. A line
  // of no stage, such as that of a cancellation, belongs to what it interrupts.
  const group = (list) => {
    const groups = [];
    for (const line of linesOf(list)) {
      let current = groups.at(-1);
      const stage = line.dataset.stage || current?.stage || "";
      if (!current || stage !== current.stage) {
        let head = line.previousElementSibling;
        if (stage && head?.dataset.stage !== stage) line.before(head = makeHead(stage));
        current = { stage, head: stage ? head : null, lines: [] };
        groups.push(current);
      }
      current.lines.push(line);
    }
    const kept = new Set(groups.map(({ head }) => head));
    for (const head of list.querySelectorAll(".log-fold")) if (!kept.has(head)) head.remove();
    for (const { head, lines } of groups) {
      if (!head) continue;
      write(head.querySelector(".log-fold-count"), `(${lines.length.toLocaleString(document.documentElement.lang)})`);
      head.classList.toggle("has-errors", lines.some((line) => line.matches(BAD)));
      const open = isOpen(head);
      for (const line of lines) if (line.hidden === open) line.hidden = !open;
    }
  };

  const fold = (head, open) => head.firstElementChild.setAttribute("aria-expanded", String(open));

  const unfoldFor = (line) => {
    if (!line.hidden) return;
    let at = line;
    while (!at.classList.contains("log-fold")) at = at.previousElementSibling;
    fold(at, true);
    group(line.parentElement);
  };

  log.addEventListener("log:unfold", ({ detail: line }) => unfoldFor(line));
  foldAll.addEventListener("click", () => {
    const open = !heads().some(isOpen);
    for (const head of heads()) fold(head, open);
    refresh();
  });

  // --- A line's link -------------------------------------------------------------------------------------
  const copyLink = byId("log-copy-link");
  const numberOf = (line) => line.querySelector(".line-number");
  const lineAt = (number) => log.querySelector(`.line[data-seq="${number}"]`);
  const onRunsPage = () => location.pathname === new URL(numberOf(allLines()[0]).href).pathname;

  const choose = (line, { scroll = true, focus = true } = {}) => {
    unfoldFor(line);
    for (const each of log.querySelectorAll(".is-chosen")) each.classList.remove("is-chosen");
    line.classList.add("is-chosen");
    log.classList.add("has-chosen"); // from now on the address no longer says which one is
    const link = numberOf(line);
    copyLink.hidden = false;
    copyLink.dataset.href = link.href;
    copyLink.textContent = copyLink.dataset.words.replace("{number}", line.dataset.seq);
    if (onRunsPage()) history.replaceState(history.state, "", link.href);
    oneStop(link);
    if (scroll) line.scrollIntoView({ block: "center" });
    if (focus) link.focus({ preventScroll: true });
  };

  log.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const head = event.target.closest(".log-fold");
    if (head) {
      fold(head, !isOpen(head));
      refresh();
      return;
    }
    const link = event.target.closest(".line-number, #log-first-error");
    const line = link && lineAt(new URL(link.href).searchParams.get("line"));
    if (!line) return; // it is on another page
    event.preventDefault();
    choose(line, { scroll: link.id === "log-first-error" });
  });

  // The Tab key stops at one number; arrow keys lead to the others.
  const oneStop = (chosen) => {
    for (const line of allLines()) {
      const link = numberOf(line);
      const stop = link === chosen ? 0 : -1;
      if (link.tabIndex !== stop) link.tabIndex = stop;
    }
  };

  log.addEventListener("keydown", (event) => {
    if (!event.target.matches(".line-number")) return;
    const lines = allLines().filter((line) => line.checkVisibility());
    const at = lines.indexOf(event.target.closest(".line"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1 }[event.key];
    if (to === undefined || !lines[to]) return;
    event.preventDefault();
    oneStop(numberOf(lines[to]));
    numberOf(lines[to]).focus();
  });

  const fromAddress = () => {
    const number = location.hash.match(/^#L(\d+)$/)?.[1];
    if (!number || !allLines().length || !onRunsPage()) return;
    const line = lineAt(number);
    if (line) choose(line, { focus: false });
    else if (new URLSearchParams(location.search).get("line") !== number) location.replace(`?line=${number}#L${number}`);
  };

  // --- Copying -------------------------------------------------------------------------------------------
  const said = byId("log-said");
  const copied = (text, words) => {
    const done = () => { said.textContent = words; };
    const byCommand = () => { // without https there is no other way
      const put = (event) => {
        event.preventDefault();
        event.clipboardData.setData("text/plain", text);
        done();
      };
      document.addEventListener("copy", put, { once: true });
      document.execCommand("copy");
      document.removeEventListener("copy", put);
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byCommand);
    else byCommand();
  };

  const asText = (line) => {
    const [time, level, stage] = [line.querySelector("time").dateTime, line.dataset.level, line.dataset.stage];
    const message = line.querySelector("bdi").textContent;
    return `${time} ${level.toUpperCase().padEnd(7)} ${(stage || "-").padEnd(8)} ${message}\n`;
  };

  byId("log-copy").addEventListener("click", (event) => {
    const lines = allLines().filter((line) => line.hidden || line.checkVisibility()); // not those of another level
    const number = lines.length.toLocaleString(document.documentElement.lang);
    copied(lines.map(asText).join(""), event.currentTarget.dataset.done.replace("{number}", number));
  });
  copyLink.addEventListener("click", () => copied(copyLink.dataset.href, copyLink.dataset.done));

  // --- What changes when lines come ----------------------------------------------------------------------
  const refresh = () => {
    for (const list of lists()) group(list);
    const lines = allLines();
    for (const button of [foldAll, byId("log-copy")]) button.hidden = !lines.length;
    foldAll.hidden ||= !heads().length;
    write(foldAll, heads().some(isOpen) || !heads().length ? foldAll.dataset.fold : foldAll.dataset.unfold);
    const stop = lines.map(numberOf).find((link) => link.matches(":focus, .is-chosen *"));
    oneStop(stop || (lines[0] && numberOf(lines[0])));
    const first = byId("log-first-error");
    const bad = first?.hidden && lines.find((line) => line.matches(BAD));
    if (bad) {
      first.href = numberOf(bad).href;
      first.hidden = false;
    }
  };
  log.addEventListener("log:changed", refresh);
  window.addEventListener("hashchange", fromAddress);
  refresh();
  fromAddress();
}
