export const TENANT = 'shop';

/** The edge's configuration: pages of these origins, and no others, may push for the tenant. */
export const relayConfig = (kind: string, origins: readonly string[]): string => `receivers:
  - name: local
    # RECEIVER_URL replaces it.
    url: http://127.0.0.1:1/
    kind: ${kind}
shard:
  # One user, who wants to see the answer soon.
  commit_interval: 200ms
tenants:
  ${TENANT}:
    cors_origins: [${origins.map((origin) => JSON.stringify(origin)).join(', ')}]
`;
