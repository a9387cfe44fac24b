// A plain CDS Hooks 2.0 client: discovery, prefetch, the call, feedback. It knows nothing of the service behind it.

import { query } from "./fhir.js";

const { service, fhir, token } = document.body.dataset;
const LONGEST_WAIT = 10000;

let discovered = null;

/** The services on offer, asked once. */
export async function discover() {
  if (!discovered) {
    const { body } = await talk("/cds-services");
    discovered = body.services ?? [];
  }
  return discovered;
}

/**
 * Fires a hook at every service that listens to it.
 *
 * sends: "both", "prefetch" or "server". Gives for each service { service, request, cards, milliseconds }; throws
 * if the service cannot be reached or refuses, with the request and the refusal on the error.
 */
export async function fire(hook, context, sends) {
  const listening = (await discover()).filter((offered) => offered.hook === hook);
  return Promise.all(listening.map((offered) => call(offered, context, sends)));
}

/** Tells the service what became of its card; gives the HTTP status. */
export async function report(serviceId, entry) {
  const body = { feedback: [{ ...entry, outcomeTimestamp: new Date().toISOString() }] };
  const { status } = await talk(`/cds-services/${serviceId}/feedback`, body);
  return status;
}

async function call(offered, context, sends) {
  const request = { hook: offered.hook, hookInstance: uuid(), context };
  if (sends !== "prefetch") {
    request.fhirServer = fhir;
    request.fhirAuthorization = {
      access_token: token,
      token_type: "Bearer",
      expires_in: 300,
      scope: "user/*.read",
      subject: "dosewright",
    };
  }
  if (sends !== "server") request.prefetch = await prefetch(offered.prefetch ?? {}, context);
  const started = performance.now();
  try {
    const { body } = await talk(`/cds-services/${offered.id}`, request);
    const milliseconds = Math.round(performance.now() - started);
    return { service: offered, request, response: body, cards: body.cards ?? [], milliseconds };
  } catch (error) {
    error.request = request;
    throw error;
  }
}

/** What the templates ask for. A template that cannot be filled, or whose query fails, is left out. */
async function prefetch(templates, context) {
  const filled = {};
  await Promise.all(
    Object.entries(templates).map(async ([key, template]) => {
      const text = substituted(template, context);
      if (text === null) return;
      try {
        filled[key] = await query(text);
      } catch {
        // An absent key tells the service to look for itself.
      }
    }),
  );
  return filled;
}

function substituted(template, context) {
  let complete = true;
  const text = template.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, path) => {
    const value = path === "userPractitionerId" ? context.userId.split("/")[1] : context[path.split("context.")[1]];
    if (typeof value !== "string" && typeof value !== "number") complete = false;
    return encodeURIComponent(value);
  });
  return complete ? text : null;
}

async function talk(path, body) {
  const options = body
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : {};
  const response = await fetch(service + path, { ...options, signal: AbortSignal.timeout(LONGEST_WAIT) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const said = (answer.issue ?? []).map((issue) => issue.diagnostics).join("; ");
    throw Object.assign(new Error(`the service answered ${response.status}${said ? `: ${said}` : ""}`), {
      response: answer,
      status: response.status,
    });
  }
  return { status: response.status, body: answer };
}

/** A version 4 UUID; crypto.randomUUID is there on secure pages only. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
