import { createSocket, type RemoteInfo } from 'node:dgram';

/** What the server says about a name, by type: records, `nxdomain`, `servfail`, or nothing at all (`silent`). */
export type DnsAnswer = 'nxdomain' | 'servfail' | 'silent' | readonly DnsAnswerRecord[];
export type DnsAnswerRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: readonly number[] }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number }
  | { readonly type: 'MX' | 'NS' | 'CNAME'; readonly target: string };

const TYPES = { A: 1, NS: 2, CNAME: 5, MX: 15, AAAA: 28, SRV: 33 } as const;

export interface DnsServer {
  /** `address:port` for `Resolver.setServers`. */
  readonly address: string;
  /** By `TYPE name`; what is not here is `nxdomain`. */
  readonly answers: Map<string, DnsAnswer>;
  /** What was asked, in order. */
  readonly questions: string[];
  close(): Promise<void>;
}

/** A name server on a free UDP port of the loopback, as much of RFC 1035 as answering one question needs. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const answers = new Map<string, DnsAnswer>();
  const questions: string[] = [];
  socket.on('message', (message: Buffer, from: RemoteInfo) => {
    const { name, type, end } = readQuestion(message);
    const word = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? String(type);
    questions.push(`${word} ${name}`);
    const answer = answers.get(`${word} ${name}`) ?? 'nxdomain';
    if (answer === 'silent') return;
    const records = typeof answer === 'string' ? [] : answer.map(encodeRecord);
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    // Answer, recursion desired and available; 3: no such name, 2: failure.
    header.writeUInt16BE(0x8180 | (answer === 'nxdomain' ? 3 : answer === 'servfail' ? 2 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, message.subarray(12, end), ...records]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    answers,
    questions,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length !== 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
}

/** Its name points to the question's. */
function encodeRecord(record: DnsAnswerRecord): Buffer {
  const data = recordData(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function recordData(record: DnsAnswerRecord): Buffer {
  if ('address' in record) return Buffer.from(record.address);
  if (record.type === 'SRV') {
    const fixed = Buffer.alloc(6);
    fixed.writeUInt16BE(record.port, 4);
    return Buffer.concat([fixed, encodeName(record.target)]);
  }
  return Buffer.concat([record.type === 'MX' ? Buffer.from([0, 10]) : Buffer.alloc(0), encodeName(record.target)]);
}
