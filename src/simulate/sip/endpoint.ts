import type { Clock } from '../../shared/clock.ts';
import { Emitter } from '../../shared/emitter.ts';
import type { Logger } from '../../shared/log.ts';
import { requestUriOf } from '../../sip/dialog/dialog.ts';
import { Draft } from '../../sip/message/draft.ts';
import { isSipUri, parseUri } from '../../sip/message/uri.ts';
import { newCallId, newSequence, newTag } from '../../sip/transaction/ids.ts';
import { TransactionLayer } from '../../sip/transaction/layer.ts';
import type { ServerTransaction } from '../../sip/transaction/server-transaction.ts';
import type { Wire, WireEvents } from '../../sip/transaction/wire.ts';
import type { TimerSettings } from '../../sip/transaction/timers.ts';
import { TransportLayer, type Target } from '../../sip/transport/transport.ts';
import { Session, type SessionEvents, type SessionOwner } from './session.ts';

/** What a message looked like on its way, for the ladder. */
export interface Sighting {
  direction: 'sent' | 'received';
  /** `address:port` of the other side. */
  peer: string;
  message: { startLine: string; method: string; reason: string | undefined };
}

/** What becomes of one message: the delays after which its copies go through, in milliseconds; none: it is lost. */
export type Fate = (sighting: Sighting) => readonly number[];

export interface EndpointTools {
  clock: Clock;
  log: Logger;
  /** Told of each message that leaves and comes in. */
  seen: (sighting: Sighting) => void;
  /** A network that loses, repeats and delays messages; without it each goes through once and at once. */
  fate?: Fate;
  /** RFC 3261's T1, T2 and T4, in milliseconds. */
  timers?: Partial<TimerSettings>;
}

/** A call that comes in: returns what is to be told of it from now on. */
export type OnCall = (session: Session) => SessionEvents;

/** One simulated party's SIP socket: a user agent that places and takes calls (RFC 3261 8, 12, 13). */
export class Endpoint implements SessionOwner {
  readonly #transport: TransportLayer;
  readonly layer: TransactionLayer;
  readonly address: string;
  readonly port: number;
  readonly #sessions = new Set<Session>();
  #onCall: OnCall | undefined;

  private constructor(transport: TransportLayer, layer: TransactionLayer, address: string, port: number) {
    this.#transport = transport;
    this.layer = layer;
    this.address = address;
    this.port = port;
    layer.on('request', (transaction) => this.#request(transaction));
    layer.on('ack', (ack, _flow, invite) => {
      for (const session of this.#sessions) if (session.began(invite)) session.acknowledged(ack);
    });
  }

  /**
   * Listens on a UDP port of `address` (0: any free one).
   * @throws ListenError when the port is taken
   */
  static async open(address: string, port: number, tools: EndpointTools): Promise<Endpoint> {
    const transport = await TransportLayer.open([{ transport: 'udp', address, port }], tools);
    const layer = new TransactionLayer(sighted(transport, tools), tools);
    return new Endpoint(transport, layer, address, transport.listening[0]?.port ?? port);
  }

  get hostPort(): string {
    return `${this.address}:${this.port}`;
  }

  /** Who answers calls that come in; without one they get 480. */
  answerWith(onCall: OnCall): void {
    this.#onCall = onCall;
  }

  /**
   * Places a call: INVITE to `uri`, whose host is an IP address with a port. `headers` are added as they are, in place of
   * those that stand there: so may a Content-Type, when `sdp` is another body.
   */
  call(
    uri: string,
    from: string,
    to: string,
    sdp: string | Buffer,
    headers: readonly (readonly [string, string])[],
    events: SessionEvents,
  ): Session {
    const invite = Draft.request('INVITE', uri)
      .add('From', `${from};tag=${newTag()}`)
      .add('To', to)
      .add('Call-ID', newCallId())
      .add('CSeq', `${newSequence()} INVITE`)
      .add('Contact', this.contact)
      .add('Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO')
      .add('Content-Type', 'application/sdp');
    for (const [name, value] of headers) invite.set(name, value);
    invite.body = Buffer.from(sdp);
    const session = Session.outgoing(this, invite, events);
    this.#keep(session);
    return session;
  }

  get contact(): string {
    return `<sip:${this.hostPort}>`;
  }

  targetOf(draft: Draft): Target {
    const route = draft.get('Route');
    const text = route === undefined ? requestUriOf(draft) : (/<([^>]*)>/.exec(route)?.[1] ?? '');
    const uri = parseUri(text);
    if (!uri || !isSipUri(uri)) throw new Error(`${text} is no SIP address that the simulation can send to`);
    return { transport: 'udp', address: uri.host, port: uri.port ?? 5060 };
  }

  forget(session: Session): void {
    this.#sessions.delete(session);
  }

  /** Calls that are not over. */
  get standing(): number {
    return this.#sessions.size;
  }

  async close(): Promise<void> {
    this.layer.close();
    await this.#transport.close();
  }

  #keep(session: Session): void {
    this.#sessions.add(session);
  }

  #request(transaction: ServerTransaction): void {
    const { request } = transaction;
    const tag = request.to.parameters.get('tag');
    if (tag !== undefined) {
      for (const session of this.#sessions) {
        if (session.owns(request)) {
          session.receive(transaction);
          return;
        }
      }
      transaction.respond(Draft.answering(request, 481));
      return;
    }
    if (request.method !== 'INVITE') {
      transaction.respond(Draft.answering(request, request.method === 'OPTIONS' ? 200 : 405));
      return;
    }
    if (!this.#onCall) {
      transaction.respond(Draft.answering(request, 480));
      return;
    }
    const session = Session.incoming(this, transaction);
    this.#keep(session);
    session.tell(this.#onCall(session));
  }
}

/** The wire with a witness: each message is seen once, as it leaves or as it comes in, if it goes through at all. */
function sighted(transport: TransportLayer, { clock, log, seen, fate }: EndpointTools): Wire {
  /** Lets each copy of the message through that the network does not lose. */
  const through = (direction: Sighting['direction'], peer: string, octets: Buffer, pass: () => void): void => {
    const text = octets.toString('latin1');
    const startLine = text.slice(0, text.indexOf('\r\n'));
    const method = /\r\nCSeq:\s*\d+\s+(\S+)/i.exec(text)?.[1] ?? '';
    const reason = /\r\nReason:\s*([^\r]*)/i.exec(text)?.[1];
    const sighting = { direction, peer, message: { startLine, method, reason } };
    const copies = fate?.(sighting) ?? [0];
    if (copies.length > 0) seen(sighting);
    for (const delay of copies) {
      if (delay === 0) pass();
      else clock.after(delay, pass);
    }
  };
  const events = new Emitter<WireEvents>((error) =>
    log.error({ err: error }, 'a simulated party failed over a message'),
  );
  transport.on('malformed', (error, flow) => events.emit('malformed', error, flow));
  transport.on('failure', (target, error) => events.emit('failure', target, error));
  transport.on('message', (message, flow) => {
    through('received', `${flow.remoteAddress}:${flow.remotePort}`, message.raw, () =>
      events.emit('message', message, flow),
    );
  });
  return {
    post: (octets, target, flow, failed) => {
      through('sent', `${target.address}:${target.port}`, octets, () => transport.post(octets, target, flow, failed));
    },
    localFor: (target) => transport.localFor(target),
    on: (event, listener) => events.on(event, listener),
  };
}
