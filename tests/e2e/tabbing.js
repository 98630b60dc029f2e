// Watches where the focus goes in one part of a page; its answer is how many stops there are for the Tab key.
(part) => {
  const ROLES = ["button", "checkbox", "combobox", "link", "menuitem", "option", "radio", "slider", "switch", "tab", "textbox"];
  const ACTIVE = ["a[href]", "area[href]", "button", "input:not([type=hidden])", "select", "textarea", "summary",
    "iframe", "[contenteditable]", "[tabindex]:not([tabindex='-1'])", ...ROLES.map((role) => `[role=${role}]`)].join(", ");
  const within = document.querySelector(part);
  const seen = new Set();
  const found = [];
  const name = (each) => `${each.tagName.toLowerCase()}${each.id && `#${each.id}`}.${each.className}`
    + ` "${(each.getAttribute("aria-label") || each.value || each.textContent || "").trim().slice(0, 30)}"`;
  // A socket may bring a part of the page anew meanwhile: then it is the same by this.
  const key = (each) => each.outerHTML;
  const there = (each) => each.checkVisibility({ visibilityProperty: true }) && each.getClientRects().length > 0
    && !each.matches(":disabled, [aria-hidden=true] *, [aria-hidden=true]");
  const clipped = (each) => getComputedStyle(each).clipPath !== "none" || getComputedStyle(each).clip !== "auto"
    || Number(getComputedStyle(each).opacity) === 0 || each.offsetWidth < 4;
  // What shows the focus of `each`: itself, or what stands for it where it is drawn by its label.
  const shows = (each) => [each.closest("[role=combobox]"),
    ...(clipped(each) ? [each.nextElementSibling, each.closest("label")] : [each])].filter(Boolean);
  const look = (each) => {
    const { boxShadow, backgroundColor, borderTopColor, borderTopWidth } = getComputedStyle(each);
    return [boxShadow, backgroundColor, parseFloat(borderTopWidth) && borderTopColor].join();
  };
  const ringed = (each) => {
    const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(each);
    const wide = parseFloat(outlineWidth);
    if (outlineStyle === "none" || !wide || /, 0\)$|transparent/.test(outlineColor)) return false;
    // A ring all of which lies where an element around it cuts off is none.
    const [box, out] = [each.getBoundingClientRect(), parseFloat(outlineOffset) + wide];
    for (let at = each.parentElement; at && at !== document.body; at = at.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(at);
      if (overflowX === "visible" && overflowY === "visible") continue;
      const edge = at.getBoundingClientRect();
      const wider = box.left - out < edge.left && box.right + out > edge.right;
      if (out > 0 && wider && box.top - out < edge.top && box.bottom + out > edge.bottom) return false;
    }
    return true;
  };
  const under = (each) => {
    const { left, right, top, bottom } = each.getClientRects()[0];
    const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
    const hits = [left + 2, (left + right) / 2, right - 2].map((x) => document.elementFromPoint(x, y)).filter(Boolean);
    return !hits.some((hit) => each.contains(hit) || hit.contains(each) || hit.closest("label")?.contains(each));
  };

  const active = [...within.querySelectorAll(ACTIVE)].filter(there)
    .filter((each) => !each.matches("[role=listbox] [role=option], .line-number[tabindex='-1']")) // arrow keys lead there
    .filter((each) => !(each.matches("[role=combobox]") && each.querySelector("input"))); // that one has the focus
  const before = new Map(active.flatMap((each) => [each, ...shows(each)]).map((each) => [each, look(each)]));
  const groupOf = (each) => (each.type === "radio" ? [...document.querySelectorAll("input[type=radio]")]
    .filter((other) => other.name === each.name && other.form === each.form) : [each]);
  for (const each of within.querySelectorAll("*")) {
    if (getComputedStyle(each).cursor !== "pointer" || getComputedStyle(each.parentElement).cursor === "pointer") continue;
    if (there(each) && !each.closest(ACTIVE) && !each.closest("label")) found.push(`only for a mouse: ${name(each)}`);
  }

  let last = null;
  const note = () => {
    const each = document.activeElement;
    if (each === last || each === within || !within.contains(each)) { last = each; return; }
    last = each;
    const first = !seen.has(each);
    groupOf(each).forEach((one) => seen.add(one).add(key(one)));
    if (!first || each.matches("iframe")) return;
    const signs = shows(each);
    if (!signs.some((one) => ringed(one) || (before.has(one) && look(one) !== before.get(one)))) {
      found.push(`its focus cannot be seen: ${name(each)}`);
    }
    if (signs.every(under)) found.push(`something lies over it: ${name(each)}`);
  };
  document.addEventListener("keydown", note, true);
  within.tabIndex = -1; // as the main part has, for the skip link
  within.focus();
  window.tabbing = {
    stops: new Set(active.map((each) => groupOf(each)[0])).size,
    inside: () => document.activeElement !== within && within.contains(document.activeElement),
    end: () => {
      note();
      document.removeEventListener("keydown", note, true);
      const missed = active.filter((each) => !seen.has(each) && !seen.has(key(each)));
      return [...found, ...missed.map((each) => `Tab does not lead there: ${name(each)}`)].slice(0, 8);
    },
  };
  return window.tabbing.stops;
}
