import type { HttpResponse } from '../../../agent-lite/model.ts';
import { PUSH_CONTENT_TYPE } from '../../../contract/push.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const answer = (status: number, type: string, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse => ({
  status,
  headers: { 'content-type': type, ...headers },
  body: new TextEncoder().encode(text),
});
const HTML = 'text/html; charset=utf-8';

/** What stands between a device and the edge, and answers in its place. */
const STRANGERS: Readonly<Record<string, HttpResponse>> = {
  portal: answer(200, HTML, '<html>Please sign in to the hotel network</html>'),
  empty: answer(204, 'text/plain', ''),
  firewall: answer(403, HTML, '<html>Blocked by policy</html>'),
  proxy: answer(400, 'text/plain', 'Bad Request'),
  proxyLogin: answer(407, HTML, '<html>Proxy authentication</html>'),
  moved: answer(302, HTML, '', { location: 'http://192.0.2.1/login' }),
  gone: answer(404, HTML, '<html>Not Found</html>'),
  tooLarge: answer(413, HTML, '<html>nginx</html>'),
  conflict: answer(409, 'application/json', '{"error":"conflict"}'),
  storm: answer(500, 'text/plain', 'error code: 1101'),
  unavailable: answer(503, HTML, '<html>Service Unavailable</html>'),
  anHour: answer(503, 'text/plain', 'come again', { 'retry-after': '3600' }),
  tooMany: answer(429, 'text/plain', 'slow down', { 'retry-after': '3600' }),
  /** A cache that has kept our content type and nothing else. */
  cached: answer(200, PUSH_CONTENT_TYPE, ''),
  garbled: answer(200, PUSH_CONTENT_TYPE, '\u0001\u0002 not an answer'),
};

export const scenario: Scenario = {
  name: 'foreign-answers',
  about: "a captive portal's 200, a firewall's 403, a proxy's 400, 500 storms, Retry-After of an hour: none of it is believed about data",
  rounds: { short: Object.keys(STRANGERS).length, full: 4 * Object.keys(STRANGERS).length },
  async run({ number, random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1' });
    const stranger = Object.values(STRANGERS)[number % Object.keys(STRANGERS).length];
    await rig.live(random.int(0, 6));
    const share = random.pick([1, 0.5]);
    device.intercept = () => (random.chance(share) ? stranger : undefined);
    await rig.live(random.int(8, 60));
    device.intercept = () => undefined;
    await rig.live(4);
    const account = await rig.settle();
    const aside = device.status().setAsideFiles;
    if (aside > 0 || device.backlog > 0) throw new Error(`expected no scrape set aside or waiting, got ${aside} and ${device.backlog}`);
    return account;
  },
};
