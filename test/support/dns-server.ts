import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** A record of the test's zone. TTL in seconds, 60 unless given. */
export type ZoneRecord = { readonly name: string; readonly ttl?: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
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
}

const types = new Map([
  [1, 'A'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [35, 'NAPTR'],
]);

/** A name server on loopback that knows the records given, and that nothing else exists (RFC 1035 4). */
export async function startDns(context: TestContext, zone: readonly ZoneRecord[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  context.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server: DnsServer = { address: `127.0.0.1:${socket.address().port}`, asked: [], zone };
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(12, at + 5);
    const name = labels.join('.').toLowerCase();
    const type = types.get(query.readUInt16BE(at + 1)) ?? '';
    server.asked.push(`${type} ${name}`);
    const answers = server.zone.filter((record) => record.name.toLowerCase() === name && record.type === type);
    const exists = server.zone.some((record) => record.name.toLowerCase() === name);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(exists ? 0x8580 : 0x8583, 2); // authoritative; NXDOMAIN where nothing has the name
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, question, ...answers.map(written)]), port, address);
  });
  return server;
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

function nameOf(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.alloc(1),
  ]);
}
