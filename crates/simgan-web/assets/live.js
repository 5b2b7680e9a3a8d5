// Keeps the worded parts of a page up to date: those marked data-live are taken anew from the server's page.

/** Fetches this page again and puts its live parts in place; returns the new document, or null. */
export async function refresh() {
  let fresh;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return null;
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // the server is away; the next time will do
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML) replace(part, other);
  }
  return fresh;
}

/** Replaces what is in `part`; whoever was on one of its links stays on it. */
function replace(part, other) {
  const links = () => [...part.querySelectorAll("a, button, summary, [tabindex]")];
  const at = links().indexOf(document.activeElement);
  part.replaceChildren(...other.childNodes);
  if (at >= 0) links()[at]?.focus();
}

/** Calls `act` now and then while the page is seen. */
export function every(ms, act) {
  setInterval(() => {
    if (document.visibilityState === "visible") act();
  }, ms);
}
