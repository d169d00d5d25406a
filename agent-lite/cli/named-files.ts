import type { AgentConfig, HttpClientConfig, SecretSource } from '../config/types.ts';

export interface NamedFile {
  /** Where the configuration names it, e.g. `edge_push.authorization.credentials_file`. */
  readonly place: string;
  readonly path: string;
}

/** Every file the configuration names that must be readable for it to work: secrets, certificates. Patterns of file_sd are not among them. */
export function namedFiles(config: AgentConfig): readonly NamedFile[] {
  return [
    ...clientFiles('edge_push', config.edgePush.http),
    ...config.scrapeConfigs.flatMap((scrape) => clientFiles(`scrape_configs[${scrape.jobName}]`, scrape.http)),
  ];
}

function clientFiles(place: string, http: HttpClientConfig): NamedFile[] {
  const secret = (name: string, source: SecretSource | undefined): [string, string | undefined] => [
    name,
    source?.kind === 'file' ? source.path : undefined,
  ];
  const candidates: [string, string | undefined][] = [
    secret('authorization.credentials_file', http.authorization?.credentials),
    secret('basic_auth.password_file', http.basicAuth?.password),
    ['tls_config.ca_file', http.tls.caFile],
    ['tls_config.cert_file', http.tls.certFile],
    ['tls_config.key_file', http.tls.keyFile],
    ...http.headers.flatMap((header) => header.values.map((value) => secret(`http_headers.${header.name}.files`, value))),
  ];
  return candidates.flatMap(([name, path]) => (path === undefined ? [] : [{ place: `${place}.${name}`, path }]));
}
