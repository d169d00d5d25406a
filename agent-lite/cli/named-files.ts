import type { AgentConfig, HttpClientConfig, SecretSource } from '../config/types.ts';

export interface NamedFile {
  /** Where the configuration names it, e.g. `edge_push.authorization.credentials_file`. */
  readonly place: string;
  readonly path: string;
}

/** Every file the configuration names that must be readable for it to work: secrets, certificates. Patterns of file_sd are not among them. */
export function namedFiles({ edgePush, remoteWrite, scrapeConfigs }: AgentConfig): readonly NamedFile[] {
  return [
    ...(edgePush === undefined ? [] : clientFiles('edge_push', edgePush.http)),
    ...remoteWrite.flatMap(({ name, http }) => clientFiles(`remote_write[${name}]`, http)),
    ...scrapeConfigs.flatMap((scrape) => [
      ...clientFiles(`scrape_configs[${scrape.jobName}]`, scrape.http),
      ...scrape.discovery.flatMap((sd, i) =>
        sd.kind === 'http' ? clientFiles(`scrape_configs[${scrape.jobName}].http_sd_configs[${i}]`, sd.http) : [],
      ),
    ]),
  ];
}

function clientFiles(place: string, { authorization, basicAuth, oauth2, tls, headers }: HttpClientConfig): NamedFile[] {
  const files: NamedFile[] = [];
  const add = (name: string, source: SecretSource | undefined): void => {
    if (source?.kind === 'file') files.push({ place: `${place}.${name}`, path: source.path });
  };
  add('authorization.credentials_file', authorization?.credentials);
  add('basic_auth.username_file', basicAuth?.username);
  add('basic_auth.password_file', basicAuth?.password);
  add('tls_config.ca_file', tls.ca);
  add('tls_config.cert_file', tls.cert);
  add('tls_config.key_file', tls.key);
  for (const { name, values } of headers) for (const value of values) add(`http_headers.${name}.files`, value);
  if (oauth2 === undefined) return files;
  add('oauth2.client_secret_file', oauth2.clientSecret);
  return [...files, ...clientFiles(`${place}.oauth2`, oauth2.client)];
}
