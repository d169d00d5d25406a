import { gunzip } from 'node:zlib';
import type { HttpRequest, HttpResponse, Signal } from '../model.ts';
import { codeOf, encodingOf, httpError } from './exchange.ts';
import { PlainConnections } from './plain-connection.ts';
import { tooLarge, UnusualAnswer } from './response-reader.ts';

type HeaderValues = Readonly<Record<string, string | readonly string[]>>;

/** Hosts whose answers are of an unusual form; more are asked anew. */
const MAX_UNUSUAL = 1000;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** They would change how the request or its answer is read. */
const FRAMING = new Set(['connection', 'content-length', 'expect', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** GET over plain HTTP/1.1, which is what nearly every scrape is, at a third of the cost of node:http. */
export class PlainClient {
  readonly #connections = new PlainConnections();
  readonly #unusual = new Set<string>();
  /** By the headers, as a target has the same object each time. */
  readonly #heads = new WeakMap<HeaderValues, { readonly url: URL; readonly head: string | undefined }>();

  /**
   * undefined: this request, or its host, is not for here but for node:http.
   * Rejects with `HttpError` or `StaleConnection`.
   */
  async get(request: HttpRequest, url: URL, sent: HeaderValues, signal: Signal): Promise<HttpResponse | undefined> {
    if (request.method !== 'GET' || request.body !== undefined || url.protocol !== 'http:' || url.username !== '' || url.password !== '')
      return undefined;
    const head = this.#unusual.has(url.host) ? undefined : this.#head(url, sent);
    if (head === undefined) return undefined;
    const { maxBytes } = request;
    try {
      const answer = await this.#connections.get(url, head, maxBytes, signal);
      const { status, headers, body } = answer;
      const unpacked = await unpack(headers, body, maxBytes);
      if (unpacked === body) return { status, headers, body, release: () => answer.release() };
      answer.release();
      return { status, headers, body: unpacked };
    } catch (error) {
      if (!(error instanceof UnusualAnswer)) throw error;
      if (this.#unusual.size >= MAX_UNUSUAL) this.#unusual.clear();
      this.#unusual.add(url.host);
      return undefined;
    }
  }

  #head(url: URL, headers: HeaderValues): string | undefined {
    const known = this.#heads.get(headers);
    if (known?.url === url) return known.head;
    const head = headOf(url, headers);
    this.#heads.set(headers, { url, head });
    return head;
  }

  dropIdle(): void {
    this.#connections.dropIdle();
  }

  close(): void {
    this.#connections.close();
  }
}

/** undefined: only node:http can say this, or what is wrong with it. */
function headOf(url: URL, headers: HeaderValues): string | undefined {
  let lines = `GET ${url.pathname}${url.search} HTTP/1.1\r\n`;
  for (const [name, values] of Object.entries(headers)) {
    if (!NAME.test(name) || FRAMING.has(name)) return undefined;
    for (const value of typeof values === 'string' ? [values] : values) {
      if (!VALUE.test(value)) return undefined;
      lines += `${name}: ${value}\r\n`;
    }
  }
  if (headers['host'] === undefined) lines += `host: ${url.host}\r\n`;
  return `${lines}connection: keep-alive\r\n\r\n`;
}

async function unpack(headers: Readonly<Record<string, string>>, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  if (encodingOf(headers['content-encoding'], body.length) === 'gzip') return inflated(body, maxBytes);
  if (maxBytes > 0 && body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

function inflated(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    gunzip(body, maxBytes > 0 ? { maxOutputLength: maxBytes } : {}, (error, result) => {
      if (error === null) resolve(result);
      else reject(codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : httpError(error));
    });
  });
}
