import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';

/** A record of the test's zone. TTL in seconds, 60 unless given. */
export type ZoneRecord = { readonly name: string; readonly ttl?: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  /** How long it may be believed that something is not there. */
  | { readonly type: 'SOA'; readonly minimum: number }
  | { readonly type: 'SRV'; readonly data: readonly [priority: number, weight: number, port: number, target: string] }
  | {
      readonly type: 'NAPTR';
      readonly data: readonly [order: number, preference: number, flags: string, service: string, replacement: string];
    }
);

export interface DnsServer {
  /** As `nameServers` takes it. */
  readonly address: string;
  /** What was asked, in order: `SRV _sip._udp.example.test`. */
  readonly asked: string[];
  zone: readonly ZoneRecord[];
  /** silent: nothing is answered; faulty: SERVFAIL; truncating: over UDP only that there is more; forged: first an answer to something else. */
  manner: 'right' | 'silent' | 'faulty' | 'truncating' | 'forged';
  /** Whether it knows the targets of its aliases, and adds them. */
  follows: boolean;
}

const types = new Map([
  [1, 'A'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [35, 'NAPTR'],
]);

/** A name server on loopback, UDP and TCP, that knows the records given, and that nothing else exists (RFC 1035 4). */
export async function startDns(context: TestContext, zone: readonly ZoneRecord[]): Promise<DnsServer> {
  const stream = createServer();
  stream.listen(0, '127.0.0.1');
  await once(stream, 'listening');
  const bound = stream.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => {
    socket.close();
    stream.close();
  });
  const server: DnsServer = { address: `127.0.0.1:${port}`, asked: [], zone, manner: 'right', follows: true };
  socket.on('message', (query, { address, port }) => {
    if (server.manner === 'forged') socket.send(answerTo(server, forgery(query)), port, address);
    const answer = answerTo(server, query);
    if (server.manner === 'silent') return;
    if (server.manner !== 'truncating') socket.send(answer, port, address);
    else {
      const brief = Buffer.from(answer.subarray(0, questionEnd(query)));
      brief.writeUInt16BE(brief.readUInt16BE(2) | 0x0200, 2);
      brief.fill(0, 6, 12);
      socket.send(brief, port, address);
    }
  });
  stream.on('connection', (connection) => {
    connection.once('data', (octets: Buffer) => {
      server.asked.push('over TCP');
      const answer = answerTo(server, octets.subarray(2));
      connection.end(Buffer.concat([numbers(answer.length), answer]));
    });
  });
  return server;
}

/** The same query for another name of the same length. */
function forgery(query: Buffer): Buffer {
  const forged = Buffer.from(query);
  forged.write('x', 13);
  return forged;
}

function questionEnd(query: Buffer): number {
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) at += 1 + length;
  return at + 5;
}

function answerTo(server: DnsServer, query: Buffer): Buffer {
  const end = questionEnd(query);
  const labels: string[] = [];
  for (let at = 12; (query[at] ?? 0) > 0; at += 1 + (query[at] ?? 0)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  }
  const name = labels.join('.').toLowerCase();
  const type = types.get(query.readUInt16BE(end - 4)) ?? '';
  server.asked.push(`${type} ${name}`);
  const answers = lookUp(server, name, type);
  const exists = server.zone.some((record) => record.name.toLowerCase() === name);
  const authorities = answers.length > 0 ? [] : server.zone.filter((record) => record.type === 'SOA');
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // authoritative; NXDOMAIN where nothing has the name
  header.writeUInt16BE(server.manner === 'faulty' ? 0x8182 : exists ? 0x8580 : 0x8583, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authorities.length, 8);
  return Buffer.concat([header, query.subarray(12, end), ...[...answers, ...authorities].map(written)]);
}

function lookUp(server: DnsServer, name: string, type: string): ZoneRecord[] {
  const ofName = server.zone.filter((record) => record.name.toLowerCase() === name);
  const alias = ofName.find((record) => record.type === 'CNAME');
  if (alias?.type !== 'CNAME') return ofName.filter((record) => record.type === type);
  return server.follows ? [alias, ...lookUp(server, alias.target.toLowerCase(), type)] : [alias];
}

function written(record: ZoneRecord): Buffer {
  const data = rdata(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE([...types].find(([, type]) => type === record.type)?.[0] ?? 0, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(record.ttl ?? 60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameOf(record.name), fixed, data]);
}

function rdata(record: ZoneRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA':
      return Buffer.from(record.address.replaceAll(':', ''), 'hex'); // written in full
    case 'CNAME':
      return nameOf(record.target);
    case 'SOA':
      return Buffer.concat([nameOf('ns.test'), nameOf('host.test'), longNumbers(1, 3600, 600, 86_400, record.minimum)]);
    case 'SRV': {
      const [priority, weight, port, target] = record.data;
      return Buffer.concat([numbers(priority, weight, port), nameOf(target)]);
    }
    case 'NAPTR': {
      const [order, preference, flags, service, replacement] = record.data;
      const strings = [flags, service, ''].map((text) =>
        Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]),
      );
      return Buffer.concat([numbers(order, preference), ...strings, nameOf(replacement)]);
    }
  }
}

function numbers(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => octets.writeUInt16BE(value, index * 2));
  return octets;
}

function longNumbers(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => octets.writeUInt32BE(value, index * 4));
  return octets;
}

function nameOf(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.alloc(1),
  ]);
}
