import type { YamlNode } from '../../contract/yaml/document.ts';
import type { Findings, Origin } from './findings.ts';
import { childOf, entriesOf, lineOf, mapNode, textNode, textOf, withEntry, withoutKeys } from './tree.ts';

/** `bearer_token` and `bearer_token_file`, which Prometheus still takes, as the `authorization` they stand for. */
export function modernHttp(map: YamlNode, path: string, file: string, findings: Findings): YamlNode {
  let changed = map;
  for (const [old, key] of [
    ['bearer_token', 'credentials'],
    ['bearer_token_file', 'credentials_file'],
  ] as const) {
    const value = childOf(changed, old);
    if (value === undefined || childOf(changed, 'authorization') !== undefined) continue;
    const line = lineOf(map, old);
    changed = withEntry(withoutKeys(changed, [old]), 'authorization', mapNode([[key, value]], line));
    findings.add('changed', { file, line }, `${path}.${old}`, `is now \`authorization\` with \`${key}\``);
  }
  return changed;
}

export interface SplitUrl {
  /** Without user and password. */
  readonly url: string;
  readonly user: { readonly name: string; readonly password: string } | undefined;
}

/** Undefined where the text is no http(s) URL. */
export function splitUrl(text: string): SplitUrl | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username === '' && url.password === '') return { url: text, user: undefined };
  const user = { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return { url: url.href, user };
}

/** User and password in the `url` of a discovery become `basic_auth`: in the URL they would show in `__meta_url`. */
export function userOutOfUrl(map: YamlNode, path: string, origin: Origin, findings: Findings): YamlNode {
  const split = splitUrl(textOf(childOf(map, 'url')) ?? '');
  if (split?.user === undefined) return map;
  findings.add('changed', origin, `${path}.url`, 'user and password are now in `basic_auth`');
  const { name, password } = split.user;
  const auth = mapNode(
    [
      ['username', textNode(name, origin.line, false)],
      ['password', textNode(password, origin.line, false)],
    ],
    origin.line,
  );
  // Those of the URL are what is sent where both are given.
  const bare = withoutKeys(map, ['authorization', 'oauth2', 'basic_auth']);
  return withEntry(withEntry(bare, 'url', textNode(split.url, origin.line)), 'basic_auth', auth);
}

/** Keys whose text is a secret. */
const SECRET_KEYS = ['password', 'credentials', 'client_secret', 'bearer_token', 'secret_key', 'secrets', 'key'];

/** Paths of secrets that stand in the tree itself, not in a file beside it. */
export function inlineSecrets(node: YamlNode, path = ''): readonly { readonly path: string; readonly line: number }[] {
  if (node.kind === 'text') return [];
  if (node.kind === 'list') return node.items.flatMap((item, i) => inlineSecrets(item, `${path}[${i}]`));
  return entriesOf(node).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    if (SECRET_KEYS.includes(key) && (value.kind !== 'map' || key === 'secrets')) return [{ path: at, line: lineOf(node, key) }];
    return inlineSecrets(value, at);
  });
}
