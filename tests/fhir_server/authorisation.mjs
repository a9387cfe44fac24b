// An authorisation server for SMART Backend Services that we did not write: oidc-provider (MIT) with signed client
// assertions. It prints its URL and serves until it is told to stop.
//
// Environment: PORT (0 = any free one), JWKS (file with the client's public keys), ALG (RS384 or ES384), FHIR (base URL
// of the server that the tokens are for), LIVES (seconds that a token is good).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const SCOPE = 'system/*.rs system/Observation.rs';
const keys = JSON.parse(readFileSync(process.env.JWKS));
const server = createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'dosewright',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: process.env.ALG ?? 'RS384',
        jwks: keys,
        scope: SCOPE,
      },
    ],
    scopes: SCOPE.split(' '),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => process.env.FHIR,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          accessTokenFormat: 'opaque',
          accessTokenTTL: Number(process.env.LIVES ?? 300),
        }),
      },
    },
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/.well-known/smart-configuration') {
      return answer(request, response);
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(
      JSON.stringify({
        issuer,
        token_endpoint: `${issuer}/token`,
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
        scopes_supported: SCOPE.split(' '),
        grant_types_supported: ['client_credentials'],
        capabilities: ['client-confidential-asymmetric', 'permission-v2'],
      })
    );
  });
  console.log(issuer);
});
