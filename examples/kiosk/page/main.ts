/**
 * The kiosk: a shop's own metrics, a machine at a URL and the page itself, scraped, logged and pushed by the agent in this page.
 * In an application of yours the import below is `agent-lite/browser`.
 */
import { createAgent } from '../../../agent-lite/index.ts';
import { element, span } from './element.ts';
import { watchNetwork } from './network.ts';
import { openShop, PRODUCTS } from './shop.ts';
import { createTokens } from './token.ts';
import { emptyTally, show } from './view.ts';

interface Settings {
  readonly edgeUrl: string;
  readonly receiverUrl: string;
  readonly scrapeIntervalMs: number;
  readonly pushIntervalMs: number;
}
const { edgeUrl, receiverUrl, scrapeIntervalMs, pushIntervalMs } = (await (await fetch('/settings.json')).json()) as Settings;
const ANSWERS_SHOWN = 6;
const REDRAW_MS = 500;

const network = watchNetwork(new URL(edgeUrl).origin);
const shop = openShop();
const tokens = createTokens('/token');
const agent = createAgent({
  targets: [
    { job: 'kiosk', metrics: () => shop.metrics(), contentType: shop.contentType, scrapeIntervalMs },
    { job: 'machine', url: '/machine/metrics', scrapeIntervalMs },
  ],
  edgePush: { url: edgeUrl, token: (asked) => tokens.get(asked), pushIntervalMs },
  log: { name: 'kiosk', persist: true },
  pageMetrics: true,
});

const tally = emptyTally();
const redraw = (): void => show({ status: agent.status(), tally, offline: network.offline });
agent.on('scrape', ({ samples }) => {
  tally.scrapes++;
  tally.samples += samples;
});
agent.on('push', (push) => {
  tally.pushes++;
  if (push.status !== undefined && push.status < 300) {
    tally.taken++;
    tally.sentBytes += push.bytes;
  }
  tally.answers = [{ ...push, atMs: Date.now() }, ...tally.answers].slice(0, ANSWERS_SHOWN);
});
for (const event of ['role', 'scrape', 'push', 'change'] as const) agent.on(event, redraw);

for (const product of PRODUCTS) {
  const button = document.createElement('button');
  const ordered = span('0', 'count');
  button.type = 'button';
  button.id = product;
  button.append(ordered, product);
  button.addEventListener('click', () => {
    ordered.textContent = String(shop.order(product));
  });
  element('products', HTMLElement).append(button);
}

const slider = element('celsius', HTMLInputElement);
const setWarmer = (): void => {
  shop.setWarmer(slider.valueAsNumber);
  element('celsius-value', HTMLOutputElement).value = `${slider.valueAsNumber.toFixed(1)} °C`;
};
slider.addEventListener('input', setWarmer);
setWarmer();

const offline = element('offline', HTMLButtonElement);
offline.addEventListener('click', () => {
  network.setOffline(!network.offline);
  offline.textContent = network.offline ? 'Go online' : 'Go offline';
  offline.ariaPressed = String(network.offline);
  redraw();
});

element('flush', HTMLButtonElement).addEventListener('click', async () => {
  const { waiting } = await agent.flush();
  const what = waiting === 0 ? 'nothing waits any more' : `${waiting} scrapes wait`;
  element('flushed', HTMLElement).textContent = agent.status().role === 'leader' ? what : 'only the tab that leads pushes';
  redraw();
});

const receiver = element('receiver', HTMLAnchorElement);
receiver.href = receiverUrl;
setInterval(redraw, REDRAW_MS);
// A failure is shown by the role and its reason.
await agent.start().catch(redraw);
redraw();
