import { Draft } from '../sip/message/draft.ts';
import type { ServerTransaction } from '../sip/transaction/server-transaction.ts';
import type { Endpoint } from './sip/endpoint.ts';
import type { Session, SessionEvents } from './sip/session.ts';

/** RFC 3326: what the branch that loses is told. */
const completedElsewhere = 'SIP;cause=200;text="Call completed elsewhere"';

/** Identity and diversion that the network hands on as it got them. */
const handedOn = ['P-Asserted-Identity', 'Privacy', 'Diversion', 'History-Info'];

/** Simultaneous ringing of a number: the service that rings beside its phone, and by which number it is called. */
export interface SimultaneousRing {
  secondCalled: string;
  /** `address:port` of the service's trunk. */
  service: string;
}

/**
 * The operator's network, as its switch looks from outside: takes a call, rings the phone of the number called and,
 * where simultaneous ringing is set, the service beside it; the first that answers gets the call, the other a CANCEL
 * with its Reason. Calls of the service are routed the same way.
 */
export class Network {
  readonly #endpoint: Endpoint;
  readonly #phones = new Map<string, string>();
  readonly #simultaneous = new Map<string, SimultaneousRing>();
  #others: string | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    endpoint.answerWith((session) => this.#route(session));
  }

  /** `address:port` of the switch. */
  get address(): string {
    return this.#endpoint.hostPort;
  }

  /** A phone with that number stands at `address:port`. */
  connect(number: string, address: string): void {
    this.#phones.set(number, address);
  }

  /** Every number that nobody has leads to the phone at `address:port`. */
  connectAllOthers(address: string): void {
    this.#others = address;
  }

  ringBeside(number: string, ring: SimultaneousRing): void {
    this.#simultaneous.set(number, ring);
  }

  #route(caller: Session): SessionEvents {
    const invite = caller.invite;
    const number = invite ? userOf(invite.requestUri) : '';
    const forwards = Number(invite?.get('Max-Forwards') ?? '70');
    const phone = this.#phones.get(number) ?? this.#others;
    const ring = this.#simultaneous.get(number);
    if (!invite || (phone === undefined && !ring) || forwards < 1) {
      queueMicrotask(() => caller.refuse(forwards < 1 ? 483 : 404, 'Q.850;cause=1'));
      return {};
    }
    const fork = new Fork(caller);
    const call = (uri: string, extra: readonly (readonly [string, string])[] = []) => {
      const kept = handedOn.flatMap((name) => invite.all(name).map((value) => [name, value] as const));
      const headers = [...kept, ...extra, ['Max-Forwards', String(forwards - 1)] as const];
      const from = (invite.get('From') ?? '').replace(/;tag=[^;]*/, '');
      fork.add((events) =>
        this.#endpoint.call(uri, from, `<sip:${number}@${this.address};user=phone>`, caller.offer, headers, events),
      );
    };
    if (phone !== undefined) call(`sip:${number}@${phone};user=phone`);
    if (ring) {
      call(`sip:${ring.secondCalled}@${ring.service};user=phone`, [
        [
          'P-Asserted-Identity',
          `<sip:${invite.from.uri.replace(/^sips?:/, '').split('@')[0] ?? ''}@${this.address};user=phone>`,
        ],
        ['Diversion', `<sip:${number}@${this.address};user=phone>;reason=unconditional;counter=1`],
      ]);
    }
    return fork.callerEvents;
  }
}

/** One call of the caller and the branches that ring for it. */
class Fork {
  readonly #caller: Session;
  readonly #branches = new Set<Session>();
  #winner: Session | undefined;
  #worst = 0;

  constructor(caller: Session) {
    this.#caller = caller;
  }

  readonly callerEvents: SessionEvents = {
    cancelled: (reason) => this.#endBranches(reason),
    ended: (reason) => this.#endBranches(reason),
    request: (transaction) => relay(transaction, this.#winner),
  };

  add(call: (events: SessionEvents) => Session): void {
    const branch: Session = call({
      progress: (status, sdp) => this.#caller.ring(sdp === undefined ? 180 : status, sdp),
      standing: (sdp) => this.#won(branch, sdp),
      refused: (status) => this.#lost(branch, status),
      ended: (reason) => {
        if (this.#winner === branch) this.#caller.hangUp(reason);
      },
      request: (transaction) => relay(transaction, this.#caller),
    });
    this.#branches.add(branch);
  }

  #won(branch: Session, sdp: string): void {
    if (this.#winner || this.#caller.state === 'over') {
      branch.hangUp(completedElsewhere);
      return;
    }
    this.#winner = branch;
    this.#caller.accept(sdp);
    for (const other of this.#branches) if (other !== branch) other.hangUp(completedElsewhere);
  }

  /** RFC 3261 16.7: when all have refused, the caller gets the best; a 6xx or the lowest class is enough here. */
  #lost(branch: Session, status: number): void {
    this.#branches.delete(branch);
    this.#worst = this.#worst === 0 ? status : Math.min(this.#worst, status);
    if (this.#branches.size === 0 && !this.#winner) this.#caller.refuse(this.#worst === 487 ? 480 : this.#worst);
  }

  #endBranches(reason: string | undefined): void {
    for (const branch of this.#branches) branch.hangUp(reason);
  }
}

/** A request within one leg goes over to the other, and its answer back. */
function relay(transaction: ServerTransaction, other: Session | undefined): void {
  const { request } = transaction;
  const answer = (status: number, body?: Buffer) => {
    const response = Draft.answering(request, status);
    if (body && body.length > 0) {
      response.add('Content-Type', request.get('Content-Type') ?? 'application/sdp');
      response.body = body;
    }
    if (!transaction.answered) transaction.respond(response);
  };
  if (!other) {
    answer(481);
    return;
  }
  const body =
    request.body.length > 0
      ? { contentType: request.get('Content-Type') ?? '', text: request.body.toString() }
      : undefined;
  other.request(request.method, body).then(
    (response) => answer(response.status, response.body),
    () => answer(504),
  );
}

function userOf(uri: string): string {
  return /^sips?:([^@;]*)/i.exec(uri)?.[1] ?? '';
}
