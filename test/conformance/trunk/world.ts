// The trunk with the real drachtio-srf over the built-in SIP server, and raw SIP peers around it.
import { createServer } from 'node:net';
import type {
  CallerLeg,
  CallerLegEvents,
  DialRequest,
  Destination,
  InDialogAnswer,
  InDialogRequest,
  IncomingCall,
  PhoneReferral,
  ReferEvents,
  TargetLeg,
  TargetLegEvents,
} from '../../../src/call/ports.ts';
import { readInviteOctets, type Reading } from '../../../src/numbers/read.ts';
import { systemClock, type Clock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Request, Response } from '../../../src/sip/message/message.ts';
import { startSipServer, type SipServer } from '../../../src/sip/server.ts';
import type { TrunkSettings } from '../../../src/trunk/settings.ts';
import { connectTo } from '../../../src/trunk/connection.ts';
import { startTrunk, type Trunk } from '../../../src/trunk/trunk.ts';
import { invite } from '../../support/sip-messages.ts';
import { SipPeer, type PeerCall } from '../../support/sip-peer.ts';
import { drachtioServer } from '../../support/drachtio.ts';

const secret = 'cymru';

/** How the trunk reaches its SIP server. */
export type Control = 'in-process' | 'tcp' | 'drachtio';

export const sdp = (version: number, port = 40_000): string =>
  `v=0\r\no=- 1 ${version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8\r\n`;

/** Everything that happened to one leg, in order; tests wait for what comes next. */
export class Happenings {
  readonly all: string[] = [];
  /** Of each progress and answer of a target. */
  readonly forks: string[] = [];
  readonly details = new Map<string, unknown>();
  readonly requests: { request: InDialogRequest; answer: (answer: InDialogAnswer) => void }[] = [];
  readonly referrals: PhoneReferral[] = [];
  /** What the call says to the REFER of a phone. */
  onReferred: (referral: PhoneReferral) => void = (referral) => referral.accept();
  readonly #waiters = new Map<string, () => void>();

  note(what: string, detail: unknown): void {
    this.all.push(what);
    this.details.set(what, detail);
    this.#waiters.get(what)?.();
    this.#waiters.delete(what);
  }

  /** Resolves with the detail of this happening, now or when it comes. */
  async until(what: string, milliseconds = 3000): Promise<unknown> {
    if (!this.details.has(what)) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no "${what}" within ${milliseconds} ms; there was: ${this.all.join(' ')}`)),
          milliseconds,
        );
        this.#waiters.set(what, () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.details.get(what);
  }

  /** The events of either leg, written down. */
  get events(): CallerLegEvents & TargetLegEvents {
    return {
      cancelled: (cause) => this.note('cancelled', cause),
      ended: (how) => this.note('ended', how),
      request: (request, answer) => {
        this.requests.push({ request, answer });
        this.note(`request ${request.method}`, request);
      },
      progress: (progress) => {
        this.forks.push(progress.fork);
        this.note(`progress ${progress.status}`, progress.sdp);
      },
      answered: (answer) => {
        this.forks.push(answer.fork);
        this.note('answered', answer.sdp);
      },
      failed: (failure) => this.note('failed', failure),
      referred: (referral) => {
        this.referrals.push(referral);
        this.note('referred', referral);
        this.onReferred(referral);
      },
    };
  }

  /** The events of a REFER, written down. */
  get referral(): ReferEvents {
    return {
      progress: ({ status }) => this.note(`refer ${status}`, status),
      transferred: () => this.note('transferred', undefined),
      refused: (refusal) => this.note('refused', refusal),
      failed: (failure) => this.note('refer failed', failure),
      late: () => this.note('late', undefined),
    };
  }
}

/** A call of a peer that was answered and acknowledged. */
export interface StandingCall {
  peer: SipPeer;
  call: PeerCall;
  leg: CallerLeg;
  happenings: Happenings;
  /** Our 200. */
  ok: Response;
}

export interface Incoming {
  call: IncomingCall;
  happenings: Happenings;
}

interface WorldOptions {
  gateways?: number;
  clock?: Clock;
  /** Of the SIP server; the machine's own unless given. */
  serverClock?: Clock;
  t1?: number;
  trunk?: Partial<TrunkSettings>;
  /** `tcp`: the application reaches the server over TCP, as it would a drachtio-server. `drachtio`: it is one. */
  control?: Control;
}

export class World {
  readonly #server: SipServer | undefined;
  /** The UDP port of the SIP server. */
  readonly port: number;
  readonly trunk: Trunk;
  readonly #incoming: Incoming[] = [];
  readonly #waiters: ((incoming: Incoming) => void)[] = [];
  readonly #peers: SipPeer[];
  readonly #detach: () => void;

  private constructor(server: SipServer | undefined, port: number, trunk: Trunk, peers: SipPeer[], detach: () => void) {
    this.#server = server;
    this.port = port;
    this.trunk = trunk;
    this.#peers = peers;
    this.#detach = detach;
    trunk.onIncoming((call) => {
      const incoming = { call, happenings: new Happenings() };
      const waiter = this.#waiters.shift();
      if (waiter) waiter(incoming);
      else this.#incoming.push(incoming);
      return incoming.happenings.events;
    });
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const gateways: SipPeer[] = [];
    for (let index = 0; index < (options.gateways ?? 1); index++) gateways.push(await SipPeer.open());
    const server = options.control === 'drachtio' ? undefined : await builtIn(options);
    let hostPorts = server?.listening.join(',') ?? '';
    let detach = (): void => undefined;
    const trunk = await startTrunk({
      legSecret: 'of the tests',
      trunks: [
        {
          name: 'ngn',
          peers: ['127.0.0.1/32'],
          gateways: gateways.map(({ port }) => `sip:127.0.0.1:${port}`),
          reading: { defaultCountry: 'CN', areaCode: '755' },
          identity: {},
          optionsInterval: 0,
          gatewayTimeout: 300,
          ringTimeout: 20_000,
          ...options.trunk,
        },
      ],
      routes: [{ prefix: '+', trunk: 'ngn' }],
      clock: options.clock ?? systemClock,
      log: silentLog,
      connect: (srf) => {
        const remote = server ? controlOf(server) : drachtioServer;
        if (remote) {
          srf.on('connect', (_error, told) => (hostPorts = told ?? hostPorts));
          const closing = new AbortController();
          detach = () => closing.abort();
          return connectTo(remote, closing.signal)(srf);
        }
        if (!server) throw new Error('DRACHTIO_URL names no drachtio-server');
        const control = createServer();
        const connected = new Promise<void>((resolve) => srf.on('connect', () => resolve()));
        srf.listen({ server: control, secret: 'any' });
        detach = server.attach(control);
        return connected;
      },
    });
    const port = Number(/udp\/[^,]*:(\d+)|udp:\/\/.*:(\d+)/.exec(hostPorts)?.slice(1).find(Boolean));
    return new World(server, port, trunk, gateways, detach);
  }

  /** The built-in SIP server. */
  get server(): SipServer {
    if (!this.#server) throw new Error('a drachtio-server tells nothing of itself');
    return this.#server;
  }

  /** The gateways' own phones, in the order of the settings. */
  gateway(index = 0): SipPeer {
    const peer = this.#peers[index];
    if (!peer) throw new Error(`there is no gateway ${index}`);
    return peer;
  }

  async caller(): Promise<SipPeer> {
    const peer = await SipPeer.open();
    this.#peers.push(peer);
    return peer;
  }

  /** The next call that is handed up; waits for it at most 3 s. */
  async incoming(): Promise<Incoming> {
    const come = this.#incoming.shift();
    if (come) return come;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no call came within 3000 ms')), 3000);
      this.#waiters.push((incoming) => {
        clearTimeout(timer);
        resolve(incoming);
      });
    });
  }

  /** A call with these headers that stands. */
  async standing(headers: string[] = []): Promise<StandingCall> {
    const peer = await this.caller();
    const call = peer.invite(this.port, { body: sdp(1), headers });
    const { call: incoming, happenings } = await this.incoming();
    const answer = incoming.leg.answer(sdp(1));
    const ok = await peer.response(200, 'INVITE');
    call.ack(ok);
    await answer;
    return { peer, call, leg: incoming.leg, happenings, ok };
  }

  /** A call of ours to a target that stands, and the ACK that its phone got. */
  async standingTarget(change: Partial<DialRequest> = {}): Promise<{
    phone: SipPeer;
    leg: TargetLeg;
    happenings: Happenings;
    invite: Request;
    ack: Request;
  }> {
    const happenings = new Happenings();
    const leg = this.trunk.dial(dialRequest(change), happenings.events);
    const phone = this.gateway();
    const invite = await phone.request('INVITE');
    phone.answer(invite, 200, { body: sdp(5) });
    const ack = await phone.request('ACK');
    await happenings.until('answered');
    return { phone, leg, happenings, invite, ack };
  }

  /** Cuts the connection between drachtio-srf and the SIP server. */
  cut(): void {
    this.#detach();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut(); // so that nobody waits for peers that answer nothing any more
    await this.trunk.close();
    await this.#server?.close();
    for (const peer of this.#peers) await peer.close();
  }
}

function builtIn({ control, serverClock = systemClock, t1 = 500 }: WorldOptions): Promise<SipServer> {
  return startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: control === 'tcp' ? { address: '127.0.0.1', port: 0, secret } : 'in-process',
    clock: serverClock,
    log: silentLog,
    timers: timersOf(t1),
  });
}

function controlOf({ controlAddress }: SipServer): { host: string; port: number; secret: string } | undefined {
  return controlAddress && { host: controlAddress.address, port: controlAddress.port, secret };
}

/** T2 and T4 in the proportion to T1 that RFC 3261 17 gives them. */
function timersOf(t1: number): { t1: number; t2: number; t4: number } {
  return { t1, t2: 8 * t1, t4: 10 * t1 };
}

export const caller = '+8613800138000';
export const firstCalled = '+8675520000001';
export const finalCalled = '+8613900139000';

/** What is read of an INVITE of `caller` to `firstCalled`. */
function reading(): Reading {
  const octets = invite({
    from: `From: <sip:${caller}@ims.example.net>;tag=f1`,
    to: `To: <sip:${firstCalled}@ims.example.net>`,
  });
  const result = readInviteOctets(octets, { defaultCountry: 'CN', areaCode: '755' });
  if (!result.ok) throw new Error(result.error.why);
  return result.reading;
}

/** Where a caller is sent to. */
export function destination(change: Partial<Destination> = {}): Destination {
  return { to: [finalCalled], reading: reading(), firstCalled, ...change };
}

export function dialRequest(change: Partial<DialRequest> = {}): DialRequest {
  return {
    callId: 'c-1',
    to: finalCalled,
    reading: reading(),
    firstCalled,
    sdp: sdp(1),
    maxForwards: 66,
    mayRefer: false,
    ...change,
  };
}
