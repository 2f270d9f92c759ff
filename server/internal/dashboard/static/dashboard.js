// What pages do with scripts: they follow what happens, and listen to keys. Everything
// else works without.

const page = () => document.getElementById("page");

// A page that follows what happens is fetched again when something changed, and every few
// seconds for what other servers did. What is typed, selected or unfolded stays.
const everySeconds = 5;
let changed = false;

function busy() {
  const at = document.activeElement;
  return document.hidden || document.querySelector("dialog[open]") || (at && at.matches("input, textarea")) || !getSelection().isCollapsed;
}

async function refresh() {
  if (!changed || busy() || !page().hasAttribute("data-live")) return;
  changed = false;
  const current = rows()[at]?.id;
  await htmx.ajax("GET", location.pathname + location.search, { target: "#page", select: "#page", swap: "outerMorph" });
  if (current) choose(rows().findIndex((row) => row.id === current));
}

const environment = document.body.dataset.environment;
if (environment && page().hasAttribute("data-live")) {
  const source = new EventSource(environment + "/changes");
  source.addEventListener("change", () => { changed = true; refresh(); });
  setInterval(() => { changed = true; refresh(); }, everySeconds * 1000);
  document.addEventListener("visibilitychange", refresh);
  addEventListener("pagehide", () => source.close());
}

// Rows: j and k move, Enter opens.
let at = -1;
const rows = () => [...page().querySelectorAll("[data-row]")];

function choose(next) {
  const all = rows();
  all.forEach((row) => row.classList.remove("current"));
  at = Math.max(-1, Math.min(next, all.length - 1));
  if (at < 0) return;
  all[at].classList.add("current");
  all[at].scrollIntoView({ block: "nearest" });
}

let afterG = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  if (document.querySelector("dialog[open]")) return;
  if (afterG) {
    afterG = false;
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  switch (event.key) {
    case "j": choose(at + 1); break;
    case "k": choose(Math.max(at - 1, 0)); break;
    case "Enter": {
      if (at < 0 || event.target.closest("a, button, summary")) return;
      const row = rows()[at];
      const details = row.querySelector("details");
      if (details) details.open = !details.open;
      else row.querySelector("a")?.click();
      break;
    }
    case "/": document.querySelector("[data-search]")?.focus(); break;
    case "g": afterG = true; setTimeout(() => { afterG = false; }, 1500); break;
    case "?": document.getElementById("help").showModal(); break;
    default: return;
  }
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const id = event.target.closest("[data-copy]");
  if (id && navigator.clipboard) {
    navigator.clipboard.writeText(id.dataset.copy);
    id.classList.add("copied");
    setTimeout(() => id.classList.remove("copied"), 1000);
  }
  if (event.target.closest("[data-theme-switch]")) {
    const dark = document.documentElement.dataset.theme === "dark" ||
      (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", document.documentElement.dataset.theme);
  }
});

// A link to a task unfolds it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target && target.querySelector("details");
  if (details) { details.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", unfold);
unfold();
