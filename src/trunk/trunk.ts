import type { OnIncomingCall, TrunkPort } from '../call/ports.ts';
import { ownNumbersOf } from '../numbers/settings.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { Connections } from './connection.ts';
import { newCounters, type Counters } from './counters.ts';
import { isPhoneUri, planOfNothing, planOverTrunk, planToPhone } from './dial-plan.ts';
import type { GatewayHealth } from './gateway.ts';
import { Gateways } from './gateways.ts';
import { IncomingInvites } from './incoming.ts';
import { LegTokens } from './leg-tokens.ts';
import { Legs } from './legs.ts';
import { InviteOctets } from './octets.ts';
import { OwnLegs } from './own-legs.ts';
import { Peers } from './peers.ts';
import { Requests } from './requests.ts';
import { Routes } from './routes.ts';
import type { Route, TrunkSettings } from './settings.ts';
import { createSrf, type ServerSide } from './srf.ts';
import { OutgoingLeg, type DialPlan } from './target-leg.ts';
import { contained, type Tools } from './tools.ts';

/** How long `close` waits for the far sides to answer. Milliseconds. */
const closeTimeout = 3_000;

/** What the built-in SIP server's version ends in; that of a drachtio-server is `v0.9.10` or the like. */
const ownVersionSuffix = '-ringaway';

const limitsOfDrachtio =
  'the SIP server is a drachtio-server: it answers 400 to messages with a NUL octet (SIP-I needs the built-in server), ' +
  'and callers who require 100rel hear nothing before the answer';

/** Methods that are routed to us; everything else inside our dialogs comes anyway. OPTIONS follows once connected. */
const routed = ['invite', 'info', 'message', 'notify', 'refer', 'register', 'subscribe', 'publish', 'update'];

export interface TrunkOptions {
  trunks: readonly TrunkSettings[];
  routes: readonly Route[];
  /** Of the tokens by which our own legs are known when they come back; the same on all nodes of the site. */
  legSecret: string;
  clock: Clock;
  log: Logger;
  /** Connects drachtio-srf with its SIP server: `connectTo(…)`, or `srf.listen` on what the built-in server is attached to. */
  connect: (srf: ServerSide) => Promise<void>;
}

export interface GatewayState {
  trunk: string;
  gateway: string;
  health: GatewayHealth;
}

export interface TrunkStats extends Readonly<Counters> {
  /** Legs that live, of both kinds. */
  legs: number;
}

export interface Trunk extends TrunkPort {
  /** Where new calls go; until this was called they are refused with 503. */
  onIncoming(handler: OnIncomingCall): void;
  gateways(): GatewayState[];
  stats(): TrunkStats;
  /** Whether a SIP server is connected. */
  connected(): boolean;
  /** New INVITEs and OPTIONS get 503 with Retry-After from now on; standing calls go on. */
  drain(): void;
  /** Ends all legs and the connection; resolves within 3 s and never rejects. */
  close(): Promise<void>;
}

/**
 * Starts the SIP side; resolves when `connect` did.
 * @throws Failure `bad-setting` for a peer, gateway or route that cannot be; whatever `connect` rejects with
 */
export async function startTrunk(options: TrunkOptions): Promise<Trunk> {
  const { trunks, clock, log } = options;
  const srf = createSrf();
  const legTokens = new LegTokens(options.legSecret, clock);
  const tools: Tools = {
    ...{ srf, clock, log },
    legs: new Legs(),
    ownLegs: new OwnLegs(legTokens, clock),
    counters: newCounters(),
    server: { isDrachtio: false },
  };
  const outgoing = trunks.map((settings) => ({
    name: settings.name,
    settings,
    gateways: new Gateways(tools, settings),
  }));
  const routes = new Routes(options.routes, outgoing);
  const ownNumbers = new Set(trunks.flatMap(({ reading }) => ownNumbersOf(reading)));
  const octets = new InviteOctets(clock, log);
  const invites = new IncomingInvites(tools, ownNumbers);
  const { handler } = new Requests(tools, clock, new Peers(trunks), invites, octets);
  for (const method of routed) srf.use(method, handler);
  srf.use(handler);

  let optionsRouted = false;
  const connections = new Connections(srf, clock, log, {
    connected: (version) => {
      tools.server.isDrachtio = !version.endsWith(ownVersionSuffix);
      if (tools.server.isDrachtio) log.warn({ version }, limitsOfDrachtio);
      // drachtio-srf names its routes to a server that it connected to, but to one that connected to it only those
      // that are added later. Naming this one makes it name all of them.
      if (!optionsRouted) srf.use('options', handler);
      optionsRouted = true;
      for (const { gateways } of outgoing) gateways.start();
    },
    lost: contained(log, 'ending the calls of a lost connection', (socket) => {
      tools.counters.lostConnections += 1;
      tools.legs.connectionLost(socket);
    }),
  });
  await options.connect(octets.beside(srf));

  let closing: Promise<void> | undefined;
  const plan = (request: Parameters<TrunkPort['dial']>[0]): DialPlan => {
    if (closing) return planOfNothing({ reason: 'failed', status: 503 });
    const [first] = trunks;
    const own = { numbers: ownNumbers, token: legTokens.of(request.callId) };
    if (isPhoneUri(request.to) && first) return planToPhone(request, first, own);
    const route = routes.to(request.to);
    return route ? planOverTrunk(request, route, own) : planOfNothing({ reason: 'target-unreachable', q850: 3 });
  };

  return {
    reaches: (to) => isPhoneUri(to) || routes.to(to) !== undefined,
    trunkTo: (to) => routes.to(to)?.name,
    dial: (request, events) => new OutgoingLeg(tools, log.child({ callId: request.callId }), plan(request), events),
    onIncoming: (incoming) => invites.handle(incoming),
    gateways: () =>
      outgoing.flatMap(({ name, gateways }) =>
        gateways.all.map(({ uri, health }) => ({ trunk: name, gateway: uri, health })),
      ),
    stats: () => ({ ...tools.counters, legs: tools.legs.size }),
    connected: () => connections.connected,
    drain: () => invites.drain(),
    close: () =>
      (closing ??= (async () => {
        invites.drain();
        for (const { gateways } of outgoing) gateways.stop();
        await withDeadline(clock, closeTimeout, 'ending the calls', tools.legs.shutDown()).catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'not every far side answered our BYE');
        });
        connections.close(srf);
        octets.close();
      })()),
  };
}
