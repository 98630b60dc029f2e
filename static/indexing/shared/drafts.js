// What somebody has typed outlives the session: after signing in again in the same tab, the form is as it was. Kept in
// the tab alone, for the same user alone, and never a password. Without this file a form is empty after signing in.
"use strict";
{
  const KEY = "tcs-draft";
  const NOT_KEPT = ["password", "file", "hidden", "submit", "button", "image", "reset"];
  const user = document.querySelector("meta[name=tcs-user]").content;
  const signingIn = document.getElementById("login-form") !== null;

  const store = (draft) => {
    try {
      if (draft) sessionStorage.setItem(KEY, JSON.stringify(draft));
      else sessionStorage.removeItem(KEY);
    } catch { /* without storage nothing is kept */ }
  };
  const stored = () => {
    try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; }
  };

  // --- What a form holds. Its properties may be hidden by fields of the same name, such as the admin's "action" ----
  const actionOf = (form) => new URL(form.getAttribute("action") || "", location.href).pathname;
  const isPost = (form) => form.getAttribute("method")?.toLowerCase() === "post";
  const postForms = () => [...document.querySelectorAll("form")].filter(isPost);
  const fieldsOf = (form) => [...form.querySelectorAll("input, textarea, select")]
    .filter((field) => field.name && !NOT_KEPT.includes(field.type) && !/passw/i.test(field.name));
  const alike = (form) => postForms().filter((each) => each.id === form.id && actionOf(each) === actionOf(form));

  const valueOf = (field) => {
    if (["checkbox", "radio"].includes(field.type)) return field.checked;
    if (field.options) return [...field.selectedOptions].map(({ value, text }) => [value, text]);
    return field.value;
  };

  const put = (field, value) => {
    if (JSON.stringify(valueOf(field)) === JSON.stringify(value)) return false;
    if (typeof value === "boolean") {
      field.checked = value;
    } else if (field.options) {
      const chosen = new Map(value);
      const known = new Set([...field.options].map((option) => option.value));
      for (const [key, text] of chosen) if (!known.has(key)) field.add(new Option(text, key)); // it was looked up
      for (const option of field.options) option.selected = chosen.has(option.value);
    } else {
      field.value = value;
    }
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    return true;
  };

  const hiddenOf = (form) => [...form.querySelectorAll("input[type=hidden]")]
    .filter(({ name }) => name !== "csrfmiddlewaretoken").map(({ name, value }) => [name, value]);

  const described = (form) => ({
    page: location.pathname,
    action: actionOf(form),
    id: form.id,
    place: alike(form).indexOf(form),
    dialog: form.closest("dialog")?.id || "",
    hidden: hiddenOf(form),
    values: fieldsOf(form).map((field) => [field.name, valueOf(field)]),
  });

  const keep = (forms, signIn = false) => {
    const kept = forms.filter((form) => fieldsOf(form).length).map(described);
    store(kept.length ? { user, signIn, forms: kept } : null);
  };

  // --- When it is kept -----------------------------------------------------------------------------------
  const tokenNow = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];

  document.addEventListener("submit", ({ target: form }) => {
    if (!isPost(form) || signingIn) return;
    keep([form]);
    // Signing in, in another tab too, ends the token that this form was sent with.
    const token = form.querySelector("[name=csrfmiddlewaretoken]");
    if (token && tokenNow()) token.value = tokenNow();
  }, true);

  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    if (xhr?.status < 400 && !xhr.getResponseHeader("HX-Redirect")) store(null); // it has arrived
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-sign-in]")) return;
    event.preventDefault();
    keep(postForms().filter((form) => fieldsOf(form).some(isTouched)), true);
    location.assign(location.pathname + location.search); // leads to the sign-in page, and from there to here
  });
  const isTouched = (field) => {
    if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
    if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  };

  // --- When it comes back --------------------------------------------------------------------------------
  const openerOf = (draft) => [...document.querySelectorAll(`form[data-dialog="${CSS.escape(draft.dialog)}"]`)]
    .find((form) => hiddenOf(form).every(([name, value]) => draft.hidden.some((each) => each[0] === name && each[1] === value)));

  const restore = (draft) => {
    if (location.pathname !== draft.page && location.pathname !== draft.action) return false;
    if (draft.dialog) {
      const opener = openerOf(draft)?.querySelector("button:enabled");
      if (!opener) return false; // what it was about has ended meanwhile
      opener.click();
    }
    const form = postForms().filter((each) => each.id === draft.id && actionOf(each) === draft.action)[draft.place]
      || postForms().find((each) => actionOf(each) === draft.action && fieldsOf(each).length);
    if (!form) return false;
    const seen = new Map();
    let changed = false;
    for (const [name, value] of draft.values) {
      const nth = seen.get(name) || 0;
      seen.set(name, nth + 1);
      const field = fieldsOf(form).filter((each) => each.name === name)[nth];
      if (field && put(field, value)) changed = true;
    }
    return changed;
  };

  const draft = stored();
  if (draft && signingIn) {
    store({ ...draft, signIn: true });
  } else if (draft) {
    store(null);
    window.addEventListener("load", () => { // after the admin's widgets have built themselves
      if (!draft.signIn || draft.user !== user || !draft.forms.map(restore).includes(true)) return;
      const words = document.getElementById("draft-restored").content.cloneNode(true);
      document.getElementById("content").prepend(words);
    });
  }
}
