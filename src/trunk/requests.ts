import type { Clock } from '../shared/clock.ts';
import { unsupportedOptions } from '../numbers/admission.ts';
import { splitList } from '../sip/message/syntax.ts';
import type { IncomingInvites } from './incoming.ts';
import { capabilities } from './options.ts';
import type { InviteOctets } from './octets.ts';
import type { Peers } from './peers.ts';
import { Seldom } from './seldom.ts';
import type { TrunkSettings } from './settings.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { allow, contained, respond, retryLater, type Tools } from './tools.ts';

/** Strangers may knock as often as they like; the log hears of it once in this time. Milliseconds. */
const strangerLogInterval = 60_000;

/** Every request that the SIP server passes up comes here: to the leg of its dialog, or to who answers it outside one. */
export class Requests {
  readonly #tools: Tools;
  readonly #peers: Peers<TrunkSettings>;
  readonly #invites: IncomingInvites;
  readonly #octets: InviteOctets;
  readonly #strangerLog: Seldom;

  constructor(tools: Tools, clock: Clock, peers: Peers<TrunkSettings>, invites: IncomingInvites, octets: InviteOctets) {
    this.#tools = tools;
    this.#peers = peers;
    this.#invites = invites;
    this.#octets = octets;
    this.#strangerLog = new Seldom(clock, strangerLogInterval);
  }

  /** The handler for drachtio-srf. It never calls `next`: behind us, drachtio-srf answers 404 and closes the connection. */
  readonly handler = (request: SrfRequest, response: SrfResponse): void => {
    contained(this.#tools.log, `handling ${request.method}`, () => this.#received(request, response))();
  };

  #received(request: SrfRequest, response: SrfResponse): void {
    const octets = this.#octets.take(request.stackTxnId); // of every request, so that nothing of strangers is kept
    const leg = this.#tools.legs.of(request.stackDialogId);
    if (request.method === 'ACK') return leg?.acknowledged(request);
    if (request.source === 'application') return leg?.endedByServer();
    if (leg) {
      leg.received(request, response);
      return;
    }
    if (isInDialog(request)) {
      this.#tools.counters.strayRequests += 1;
      respond(this.#tools, response, 481);
      return; // RFC 3261 12.2.2
    }
    const trunk = this.#peers.trunkOf(request.source_address);
    if (!trunk) {
      this.#refuseStranger(request, response);
      return;
    }
    switch (request.method) {
      case 'INVITE': {
        this.#invites.received(trunk, request, response, octets ?? Buffer.from(request.raw ?? ''));
        return;
      }
      case 'OPTIONS': {
        this.#answerOptions(trunk, request, response);
        return;
      }
      default: {
        respond(this.#tools, response, 405, { headers: { Allow: allow } });
        return;
      } // RFC 3261 8.2.1
    }
  }

  #answerOptions(trunk: TrunkSettings, request: SrfRequest, response: SrfResponse): void {
    this.#tools.counters.options += 1;
    if (this.#invites.draining) {
      respond(this.#tools, response, 503, { headers: retryLater });
      return;
    }
    const unsupported = unsupportedOptions(splitList(request.get('require') ?? ''), trunk.reading);
    if (unsupported.length === 0) respond(this.#tools, response, 200, { headers: { ...capabilities } });
    else respond(this.#tools, response, 420, { headers: { Unsupported: unsupported.join(', ') } }); // 8.2.2.3
  }

  #refuseStranger(request: SrfRequest, response: SrfResponse): void {
    this.#tools.counters.refusedPeers += 1;
    respond(this.#tools, response, 403);
    this.#strangerLog.do((heldBack) => {
      const from = { address: request.source_address, method: request.method, alsoRefused: heldBack };
      this.#tools.log.warn(
        from,
        'a request came from an address that is no peer of any trunk: 403; add it to `peers` if it is the operator',
      );
    });
  }
}

/** A To tag makes a request one inside a dialog (RFC 3261 12.2.2). */
function isInDialog(request: SrfRequest): boolean {
  if (request.stackDialogId !== undefined && request.stackDialogId !== '') return true;
  const parameters = (request.get('to') ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/<[^>]*>/g, '');
  return /;\s*tag\s*=/i.test(parameters);
}
