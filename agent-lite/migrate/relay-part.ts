import type { YamlMap, YamlNode } from '../../contract/yaml/document.ts';
import type { Findings, Origin } from './findings.ts';
import { pruneRefused } from './prune.ts';
import { relayReceiver } from './relay-receiver.ts';
import { checkRules } from './rules.ts';
import { childOf, entriesOf, itemsOf, listNode, mapNode, textNode, textOf } from './tree.ts';

export interface RelayPartOptions {
  /** Of relay.yml; undefined: what the receiver's tenant header says, else `*`. */
  readonly tenant: string | undefined;
}

/** The label that the edge sets from the token (relay.yml: identity_label). */
const IDENTITY = 'device';
/** Labels that tell devices apart and so cannot be those of a tenant. */
const OF_A_DEVICE = /^(?:host|hostname|instance|device|node|nodename|machine|gateway|replica|.*_replica|__replica__)$/i;

/** What belongs to the edge: a whole relay.yml, to be put together with the one there is. */
export function relayPart(config: YamlMap, file: string, options: RelayPartOptions, findings: Findings): YamlMap {
  const [first] = itemsOf(childOf(config, 'remote_write'));
  if (first === undefined)
    findings.add('toDo', { file, line: 0 }, 'relay.yml: receivers', 'the source writes to no receiver: put in the address of yours');
  const { receiver, tenant: told } = relayReceiver(first, file, findings);
  const tenant = options.tenant ?? told ?? '*';
  if (tenant !== '*')
    findings.add(
      'toDo',
      { file, line: 0 },
      `tenant \`${tenant}\``,
      `make the tokens of its devices with \`npm run -s token -- --tenant ${tenant} --device NAME\``,
    );
  const settings: [string, YamlNode][] = [];
  const labels = tenantLabels(childOf(config, 'global', 'external_labels'), file, findings);
  if (labels.length > 0) settings.push(['external_labels', mapNode(labels)]);
  const rules = writeRules(childOf(first, 'write_relabel_configs'), file, findings);
  if (rules.length > 0) settings.push(['write_relabel_configs', listNode(rules)]);
  return mapNode([
    ['receivers', listNode([receiver])],
    ['tenants', mapNode([[tenant, mapNode(settings)]])],
  ]);
}

/** Labels that all devices of a tenant have. agent.yml keeps them too and wins: it is right for its device in any case. */
function tenantLabels(labels: YamlNode | undefined, file: string, findings: Findings): [string, YamlNode][] {
  const shared: [string, YamlNode][] = [];
  for (const [name, value] of entriesOf(labels)) {
    const text = textOf(value) ?? '';
    const origin: Origin = { file, line: value.line };
    const what = `external label \`${name}\``;
    if (name === IDENTITY) findings.add('changed', origin, what, 'is set by the edge, from the token; choose the name of the device there');
    else if (OF_A_DEVICE.test(name) || /\$/.test(text.replaceAll('$$', '')))
      findings.add('carried', origin, what, 'only in agent.yml, since it tells devices apart');
    else if (text !== '' && name !== '') {
      findings.add(
        'carried',
        origin,
        what,
        'in agent.yml and, for all devices of the tenant, in relay.yml; take it out there if they differ',
      );
      shared.push([name, textNode(text.replaceAll('$$', '$'), value.line, false)]);
    }
  }
  return shared;
}

function writeRules(rules: YamlNode | undefined, file: string, findings: Findings): readonly YamlNode[] {
  if (rules === undefined) return [];
  const what = 'remote_write[0].write_relabel_configs';
  const kept = pruneRefused(mapNode([['write_relabel_configs', rules]]), checkRules, (path, line, problem) =>
    findings.add('leftOut', { file, line }, `remote_write[0].${path}`, problem),
  );
  const list = kept.ok ? itemsOf(childOf(kept.value, 'write_relabel_configs')) : [];
  if (list.length > 0) {
    findings.add(
      'carried',
      { file, line: rules.line },
      what,
      `${list.length} in relay.yml; they run at the edge, before the receiver, and on agent-lite's own metrics too`,
    );
  }
  return list;
}
