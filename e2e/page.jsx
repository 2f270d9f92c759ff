// A web page that shows what each hook of @trigger.dev/react returns. What to show
// is in the address, after the #, as JSON:
//
//   {"apiUrl", "publicApiKey", "panels": [{"name", "hook", "id", "options"?}]}
//
// After each change of a panel the page tells its own server what the panel shows:
// POST /shown {"name", "text"}.
import React, { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import {
  TriggerProvider, useEventDetails, useEventRunDetails, useEventRunStatuses, useRunDetails, useRunStatuses,
} from "@trigger.dev/react";

const hooks = { useEventDetails, useEventRunDetails, useEventRunStatuses, useRunDetails, useRunStatuses };

function Panel({ name, hook, id, options }) {
  const { status, fetchStatus, data, run, statuses, error } = hooks[hook](id, options);
  const text = JSON.stringify({ status: status ?? fetchStatus, data, run, statuses, error: error?.message });
  const shown = useRef(null);
  useEffect(() => {
    fetch("/shown", { method: "POST", body: JSON.stringify({ name, text: shown.current.textContent }) });
  }, [name, text]);
  return <pre ref={shown}>{text}</pre>;
}

const { apiUrl, publicApiKey, panels } = JSON.parse(decodeURIComponent(location.hash.slice(1)));

// Each panel has a provider, and so a cache, of its own: two hooks on one run share
// an entry of the cache and disturb each other.
createRoot(document.getElementById("page")).render(
  panels.map((panel) => (
    <TriggerProvider key={panel.name} publicApiKey={publicApiKey} apiUrl={apiUrl}>
      <Panel {...panel} />
    </TriggerProvider>
  )),
);
