import type { DeviceStatus, DevicesRequest, ListedDevices } from '../model.ts';
import { isName, NAME_EXPECTED, wholeNumber } from './parameters.ts';
import { type AdminReply, badRequest, success } from './reply.ts';

export type DevicesOf = (tenant: string, request: DevicesRequest) => Promise<ListedDevices>;

const DEFAULT_LISTED = 100;
/** Some hundred kB from each shard, at worst. */
const MAX_LISTED = 1000;

/** A tenant's devices with what each left out of its last push. */
export async function showDevices(parameters: URLSearchParams, devicesOf: DevicesOf): Promise<AdminReply> {
  const tenant = parameters.get('tenant') ?? '';
  const device = parameters.get('device') ?? undefined;
  const after = parameters.get('after') ?? undefined;
  const format = parameters.get('format') ?? 'json';
  const limit = wholeNumber(parameters.get('limit'), DEFAULT_LISTED, MAX_LISTED);
  if (!isName(tenant)) return badRequest(`tenant: ${NAME_EXPECTED}`);
  if (device !== undefined && !isName(device)) return badRequest(`device: ${NAME_EXPECTED}`);
  if (after !== undefined && !isName(after)) return badRequest(`after: ${NAME_EXPECTED}`);
  if (limit === undefined) return badRequest(`limit: expected a number from 1 to ${MAX_LISTED}`);
  if (format !== 'json' && format !== 'text') return badRequest('format: expected json or text');
  const request = { limit, ...(device === undefined ? {} : { device }), ...(after === undefined ? {} : { after }) };
  const listed = await devicesOf(tenant, request);
  return format === 'json' ? success(listed) : { status: 200, text: devicesAsText(listed) };
}

/** For people: a line for each device, and one for each of its targets that leaves something out. */
function devicesAsText({ devices, next, unreachable }: ListedDevices): string {
  const lines = devices.flatMap(describe);
  if (devices.length === 0) lines.push('# no devices that push');
  if (next !== undefined) lines.push(`# there are more after ${next}`);
  for (const shard of unreachable) lines.push(`# shard ${shard} does not answer: its devices are missing`);
  return `${lines.join('\n')}\n`;
}

function describe({ device, pushedMs, leftOut }: DeviceStatus): readonly string[] {
  const pushed = `${device}: last push ${new Date(pushedMs).toISOString()}`;
  if (leftOut === undefined) return [`${pushed}; what it left out is known with the next one`];
  const { series, targets } = leftOut;
  const told = targets.map((target) => `  ${target.target} ${target.series}`);
  const rest = series - targets.reduce((sum, target) => sum + target.series, 0);
  if (rest > 0) told.push(`  other targets ${rest}`);
  return [`${pushed}, ${series} series left out`, ...told.map(printable)];
}

/** A device's labels must not steer the operator's terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
