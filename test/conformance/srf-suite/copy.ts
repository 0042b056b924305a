import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** A SIPp that the suite expects to be there: it waits for calls. */
export interface SuitePeer {
  readonly name: string;
  readonly port: number;
  /** The file in the folder of scenarios. */
  readonly scenario: string;
}

export interface SuiteCopy {
  /** The copy of the package, with `test` in it. */
  readonly folder: string;
  readonly peers: readonly SuitePeer[];
  readonly version: string;
}

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      command: z.string(),
      container_name: z.string(),
      networks: z.object({ testbed: z.object({ ipv4_address: z.string() }) }),
    }),
  ),
});

/** A server of the suite's, with the SIP address that stands for it here. */
const secondServer = 'drachtio-uas';

/** Where the unit tests listen, which on many machines is MongoDB's. */
const fixedPort = '27017';

/** Started by the suite itself, so not in its compose file. */
const startedBySuite = ['sipp-uas-b-teardown'];

/**
 * Copies the suite of the installed drachtio-srf into a folder of its own, its containers' names and addresses replaced by
 * ports of loopback. The containers are those of the suite's compose file.
 * @param secondSip `address:port` of the second server
 */
export async function copySuite(secondSip: string): Promise<SuiteCopy> {
  const source = path.dirname(createRequire(import.meta.url).resolve('drachtio-srf/package.json'));
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-srf-suite-'));
  await cp(path.join(source, 'test'), path.join(folder, 'test'), { recursive: true });
  for (const beside of ['lib', 'package.json']) await symlink(path.join(source, beside), path.join(folder, beside));

  const compose = await readFile(path.join(source, 'test', 'docker-compose-testbed.yaml'), 'utf8');
  const services = Object.values(composeFile.parse(parse(compose)).services);
  const ports = await freeUdpPorts(services.length + startedBySuite.length + 1);
  const freePort = (): number => ports.pop() ?? 0;
  const addresses = new Map<string, string>();
  const peers: SuitePeer[] = [];
  for (const service of services) {
    const { container_name: name, command, networks } = service;
    const scenario = /^sipp -sf \/tmp\/(\S+)/.exec(command)?.[1];
    if (scenario !== undefined) peers.push({ name, scenario, port: freePort() });
    const address = scenario === undefined ? secondSip : `127.0.0.1:${peers.at(-1)?.port ?? 0}`;
    if (scenario === undefined && name !== secondServer) continue; // the server under test is called by SIPp only
    addresses.set(networks.testbed.ipv4_address, address);
    if (scenario !== undefined) addresses.set(name, address); // a server's name stands in the suite's settings too
  }
  for (const name of startedBySuite) addresses.set(name, `127.0.0.1:${freePort()}`);
  await rewrite(path.join(folder, 'test'), addresses, `${freePort()}`);
  const manifest: unknown = JSON.parse(await readFile(path.join(source, 'package.json'), 'utf8'));
  return { folder, peers, version: z.object({ version: z.string() }).parse(manifest).version };
}

/** Ports that nobody has, no two the same: they are held until all are there. */
async function freeUdpPorts(count: number): Promise<number[]> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = createSocket('udp4');
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      return socket;
    }),
  );
  const ports = sockets.map((socket) => socket.address().port);
  await Promise.all(sockets.map((socket) => new Promise<void>((closed) => socket.close(() => closed()))));
  return ports;
}

async function rewrite(folder: string, addresses: ReadonlyMap<string, string>, unitTestPort: string): Promise<void> {
  const names = [...addresses.keys()].sort((one, other) => other.length - one.length);
  const anyName = names.map((name) => name.replaceAll('.', '\\.')).join('|');
  const quoted = new RegExp(`(['"\`](?:sip:)?)(${anyName})(['"\`])`, 'g');
  const contact = new RegExp(`(<sip:)(${anyName})(>)`, 'g');
  const put = (_: string, before: string, name: string, after: string): string =>
    `${before}${addresses.get(name) ?? name}${after}`;

  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    if (file.includes('unit-tests')) await change(file, (text) => text.replaceAll(fixedPort, unitTestPort));
    else if (file.endsWith('.js')) await change(file, (text) => text.replace(quoted, put));
    // SIPp as Debian has it wants attributes that are XML: no bare < and >
    else if (file.endsWith('.xml')) {
      await change(file, (text) => text.replace(/regexp="[^"]*"/g, escapeAngles).replace(contact, put));
    }
  }
}

function escapeAngles(attribute: string): string {
  return attribute.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

async function change(file: string, alter: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = alter(before);
  if (after !== before) await writeFile(file, after);
}
