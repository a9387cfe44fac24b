// Reads and writes the record over FHIR, as any client would.

const { token } = document.body.dataset;

async function ask(path, options = {}) {
  const response = await fetch(new URL(path, `${location.origin}/fhir/`), {
    ...options,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/fhir+json" },
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.issue?.[0]?.diagnostics ?? `the record answered ${response.status}`);
  return body;
}

/** What a query such as "Patient/1" or "Observation?patient=1" gives: one resource, or the first page. */
export function query(text) {
  return ask(text.replaceAll("|", "%7C"));
}

/** All resources that a search finds, page by page. */
export async function search(text) {
  const found = [];
  for (let next = text.replaceAll("|", "%7C"); next; ) {
    const bundle = await ask(next);
    found.push(...(bundle.entry ?? []).map((entry) => entry.resource));
    next = bundle.link?.find((link) => link.relation === "next")?.url;
  }
  return found;
}

/** Adds an order to the record. */
export function create(resource) {
  return ask(resource.resourceType, { method: "POST", body: JSON.stringify(resource) });
}

/** Replaces an order in the record. */
export function update(resource) {
  return ask(`${resource.resourceType}/${resource.id}`, { method: "PUT", body: JSON.stringify(resource) });
}
