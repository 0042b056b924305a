// The product's trunk on the built-in SIP server, and a sender of octets beside it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServer } from '../../../src/sip/server.ts';
import { startTrunk } from '../../../src/trunk/trunk.ts';

/** What the application says to a call that it can read. */
export const busy = 486;

export interface World {
  readonly server: SipServer;
  /** Call-IDs of the INVITEs that reached the application. */
  readonly calls: string[];
  port(transport: 'udp' | 'tcp'): number;
  close(): Promise<void>;
}

/** @param host an IP address as it is written in a URI */
export async function startWorld(host: string): Promise<World> {
  const calls: string[] = [];
  const server = await startSipServer({
    listen: [`udp://${host}:0`, `tcp://${host}:0`],
    control: 'in-process',
    clock: systemClock,
    log: silentLog,
    timers: { t1: 25, t2: 100, t4: 50 },
  });
  let detach = (): void => undefined;
  const trunk = await startTrunk({
    legSecret: 'of the tests',
    trunks: [
      {
        name: 'torture',
        peers: ['127.0.0.0/8', '::1/128'],
        gateways: [],
        reading: { defaultCountry: 'CN', areaCode: '755' },
        identity: {},
        optionsInterval: 0,
        gatewayTimeout: 300,
        ringTimeout: 1_000,
      },
    ],
    routes: [],
    clock: systemClock,
    log: silentLog,
    connect: (srf) => {
      const control = createServer();
      const connected = new Promise<void>((resolve) => srf.on('connect', () => resolve()));
      srf.listen({ server: control, secret: 'any' });
      detach = server.attach(control);
      return connected;
    },
  });
  trunk.onIncoming(({ sipCallId, reading, leg }) => {
    // As the product's call does: what cannot be read is refused as its rule says; a URI without a number is no fault here.
    const refused = !reading.ok && reading.error.code !== 'no-number' ? reading.error.status : undefined;
    if (refused === undefined) calls.push(sipCallId);
    leg.reject(refused ?? busy);
    return { cancelled: () => undefined, ended: () => undefined, request: (_, answer) => answer({ status: 481 }) };
  });
  const world: World = {
    server,
    calls,
    port: (transport) =>
      Number(
        server.listening
          .find((at) => at.startsWith(transport))
          ?.split(':')
          .at(-1),
      ),
    async close() {
      detach();
      await trunk.close();
      await server.close();
    },
  };
  await routesKnown(world, host.replace(/[[\]]/g, ''));
  return world;
}

/**
 * The application names its methods once it is connected, one after the other; before the first, the server answers OPTIONS by
 * itself, and UPDATE is the last. From then on it is known who answers what.
 */
async function routesKnown(world: World, address: string): Promise<void> {
  const sender = await connectTcp(world.port('tcp'), address);
  const { answers } = sender;
  const ask = async (method: string): Promise<string> => {
    const before = answers.text.length;
    const count = answers.finals(true).length;
    sender.send(sentinel(method));
    await answers.until(`answer to ${method}`, () => answers.finals(true).length > count);
    return answers.text.slice(before);
  };
  while (!/^Accept-Encoding:/m.test(await ask('OPTIONS')));
  while (!(await ask('UPDATE')).startsWith('SIP/2.0 405'));
  await sender.close();
}

/** What came back to one sender. */
export class Answers {
  #text = '';
  #changed = (): void => undefined;
  /** The other side ended the connection. */
  closed = false;

  take(octets: Buffer): void {
    this.#text += octets.toString('latin1');
    this.#changed();
  }

  end(): void {
    this.closed = true;
    this.#changed();
  }

  get text(): string {
    return this.#text;
  }

  /** Statuses of final responses by the order of their arrival, those with that word in their Call-ID or without it. */
  finals(sentinel: boolean): number[] {
    return this.#text
      .split(/^(?=SIP\/2\.0 )/m)
      .filter((message) => /^Call-ID: sentinel/m.test(message) === sentinel)
      .flatMap((message) => (/^SIP\/2\.0 ([2-6]\d\d) /.exec(message) ?? []).slice(1))
      .map(Number);
  }

  /** @throws when it has not come about within 3 s */
  async until(what: string, reached: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(3_000);
    while (!reached()) {
      await new Promise<void>((resolve, reject) => {
        this.#changed = resolve;
        deadline.addEventListener('abort', () => reject(new Error(`no ${what}; there came: ${this.#text}`)));
      });
    }
  }
}

/** One sender; nobody shares its address, so whatever comes is meant for it. */
export interface Sender {
  readonly answers: Answers;
  send(octets: Buffer): void;
  close(): Promise<void>;
}

export async function connectTcp(port: number, address: string): Promise<Sender> {
  const socket = createConnection(port, address);
  const answers = new Answers();
  socket.on('data', (octets: Buffer) => answers.take(octets));
  socket.on('error', () => answers.end());
  socket.on('close', () => answers.end());
  await once(socket, 'connect');
  return {
    answers,
    send: (octets) => {
      socket.write(octets);
    },
    async close() {
      if (socket.destroyed) return;
      socket.destroy();
      await once(socket, 'close');
    },
  };
}

/** Without `rport` answers go to the port of the topmost Via (RFC 3261 18.2.2), so the sender has an address with those. */
export async function openUdp(port: number): Promise<Sender | undefined> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const address = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`;
    const answers = new Answers();
    const sockets = [5060, 5050].map((local) => {
      const socket = createSocket('udp4');
      socket.on('message', (octets) => answers.take(octets));
      const bound = new Promise<boolean>((resolve) => {
        socket.once('error', () => resolve(false));
        socket.bind(local, address, () => resolve(true));
      });
      return { socket, bound };
    });
    const close = async (): Promise<void> => {
      for (const { socket } of sockets) {
        socket.close();
        await once(socket, 'close');
      }
    };
    const all = await Promise.all(sockets.map(({ bound }) => bound));
    const [first] = sockets;
    if (first && all.every(Boolean)) {
      const send = (octets: Buffer): void => first.socket.send(octets, port, '127.0.0.1');
      return { answers, send, close };
    }
    await close();
  }
  return undefined;
}

/** An OPTIONS that is answered for certain: what was sent before it has been dealt with by then. */
export const sentinel = (method = 'OPTIONS'): Buffer =>
  Buffer.from(
    [
      `${method} sip:sentinel@example.com SIP/2.0`,
      `Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKsentinel${randomInt(2 ** 40)}`,
      'From: <sip:sentinel@example.com>;tag=1',
      'To: <sip:sentinel@example.com>',
      `Call-ID: sentinel${randomInt(2 ** 40)}`,
      `CSeq: 1 ${method}`,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  );
