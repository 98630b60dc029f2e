// JSON from the server: its body, null while there is no map, or an Error whose message can be shown.
export async function ask(url, parameters, signal) {
  const answer = await fetch(`${url}?${new URLSearchParams(parameters)}`, { signal });
  if (answer.status === 202) { return null; }
  const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  const body = isJson ? await answer.json() : {};
  if (!answer.ok) { throw Object.assign(new Error(body.detail || ""), { status: answer.status }); }
  return body;
}

// A line of a list of people or places: a button (or a link) with a name, and something smaller beside it.
export function line(name, detail, more) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const [first, second, third] = ["bdi", "bdi", "span"].map((tag) => document.createElement(tag));
  first.textContent = name;
  second.textContent = detail;
  third.textContent = more;
  second.className = "quiet";
  third.className = "count";
  button.append(first, second, third);
  item.append(button);
  return item;
}
