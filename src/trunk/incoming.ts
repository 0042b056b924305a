import type { IncomingCall, OnIncomingCall } from '../call/ports.ts';
import { readInvite, readInviteOctets, type ReadingResult } from '../numbers/read.ts';
import type { Request } from '../sip/message/message.ts';
import { MalformedMessage, parseMessage } from '../sip/message/parse.ts';
import { sdpOf } from './bodies.ts';
import { IncomingLeg } from './caller-leg.ts';
import { tokensIn } from './leg-tokens.ts';
import { readNetworkHeaders } from './network-headers.ts';
import { expectCancel, lighten, type PendingInvite } from './pending-invites.ts';
import { hasTag, intervalTooShort } from './session-timer.ts';
import type { TrunkSettings } from './settings.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { respond, retryLater, type Tools } from './tools.ts';

/** INVITEs that begin a call: the leg is made, CANCEL listened for and 180 sent before anything else happens. */
export class IncomingInvites {
  readonly #tools: Tools;
  readonly #ownNumbers: ReadonlySet<string>;
  #handler: OnIncomingCall | undefined;
  #draining = false;
  /** Those without a final answer, by Call-ID; for the second copy of one that was forked (RFC 3261 8.2.2.2). */
  readonly #unanswered = new Map<string, PendingInvite>();

  /** `ownNumbers`: by which any trunk reaches us. */
  constructor(tools: Tools, ownNumbers: ReadonlySet<string>) {
    this.#tools = tools;
    this.#ownNumbers = ownNumbers;
  }

  handle(handler: OnIncomingCall): void {
    this.#handler = handler;
  }

  /** New INVITEs get 503 from now on. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** `octets`: the message as it came. */
  received(trunk: TrunkSettings, req: SrfRequest, res: SrfResponse, octets: Buffer): void {
    const { counters } = this.#tools;
    counters.invites += 1;
    const handler = this.#handler;
    if (this.#draining || !handler) {
      counters.refusedDraining += 1;
      respond(this.#tools, res, 503, { headers: retryLater });
      return;
    }
    const refusal = this.#refusal(req, trunk);
    if (refusal) {
      respond(this.#tools, res, refusal.status, { ...(refusal.headers && { headers: refusal.headers }) });
      return;
    }
    const first = this.#unanswered.get(req.get('call-id') ?? '');
    if (first) {
      this.#refuseCopy(first, res);
      return;
    }
    const invite: PendingInvite = { req, res };
    lighten(invite);
    const callId = req.get('call-id') ?? '';
    this.#unanswered.set(callId, invite);
    const callersTrunk = { settings: trunk, ownNumbers: this.#ownNumbers, host: hostOf(trunk, req) };
    const leg = new IncomingLeg(this.#tools, invite, callersTrunk, () => {
      if (this.#unanswered.get(callId) === invite) this.#unanswered.delete(callId);
    });
    leg.progress(180);
    try {
      this.#offer(handler, trunk, req, octets, leg);
    } catch (error) {
      this.#tools.log.error(
        { err: error, sipCallId: callId },
        'an INVITE could not be handled, which is a fault of this program',
      );
      leg.reject(500);
    }
  }

  /** What refuses an INVITE before anything is read of it. */
  #refusal(
    req: SrfRequest,
    { reliableProvisionals }: TrunkSettings,
  ): { status: number; headers?: Record<string, string> } | undefined {
    const minSe = intervalTooShort(req);
    if (minSe !== undefined) return { status: 422, headers: { 'Min-SE': minSe } };
    if (reliableProvisionals === 'never' && hasTag(req, 'require', '100rel')) {
      return { status: 420, headers: { Unsupported: '100rel' } };
    }
    const taken = req.get('replaces') ?? req.get('join');
    if (taken === undefined) return undefined;
    // RFC 3891 3, RFC 3911 4: a call is not given to somebody else because that one asks, be it a peer's.
    return { status: this.#tools.legs.knows(taken.split(';')[0]?.trim() ?? '') ? 403 : 481 };
  }

  /** RFC 3261 8.2.2.2: the network forked a call and both copies reached us; the first one is worked on. */
  #refuseCopy(first: PendingInvite, res: SrfResponse): void {
    this.#tools.counters.merged += 1;
    respond(this.#tools, res, 482);
    expectCancel(first);
  }

  #offer(handler: OnIncomingCall, trunk: TrunkSettings, req: SrfRequest, octets: Buffer, leg: IncomingLeg): void {
    const invite = parseInvite(octets);
    const reading: ReadingResult = invite ? readInvite(invite, trunk.reading) : readInviteOctets(octets, trunk.reading); // which says what is wrong with it
    if (!reading.ok) {
      this.#tools.log.info(
        { trunk: trunk.name, why: reading.error.why, status: reading.error.status },
        'an INVITE is refused',
      );
      leg.lacks(reading.error.unsupported ?? []);
    }
    const sdp = sdpOf(req);
    const ownLeg = invite && this.#recognise(invite, reading);
    const events = handler({
      trunk: trunk.name,
      connect: trunk.connect ?? ['bridge'],
      peer: req.source_address,
      sipCallId: req.get('call-id') ?? '',
      reading,
      ...(sdp !== undefined && { sdp }),
      ...(leg.awaitsOffer && { awaitsOffer: true }),
      maxForwards: maxForwardsOf(req),
      ...(invite && { network: readNetworkHeaders(invite) }),
      ...(ownLeg && { ownLeg }),
      leg,
    });
    leg.attach(events);
  }

  #recognise(invite: Request, reading: ReadingResult): IncomingCall['ownLeg'] {
    const recognised = this.#tools.ownLegs.recognise(tokensIn(invite), reading.ok ? reading.reading : undefined);
    if (recognised) this.#tools.counters.ownLegs += 1;
    return recognised;
  }
}

function parseInvite(octets: Buffer): Request | undefined {
  try {
    const message = parseMessage(octets);
    return message.kind === 'request' && message.method === 'INVITE' ? message : undefined;
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

/** Where numbers are at home that this trunk is told to call. */
function hostOf({ gateways: [first] }: TrunkSettings, { source_address: address }: SrfRequest): string {
  const gateway = /^sips?:(?:[^@]*@)?([^;?]+)/i.exec(first ?? '')?.[1];
  return gateway ?? (address.includes(':') && !address.startsWith('[') ? `[${address}]` : address);
}

/** RFC 3261 20.22; 70 when it is missing or no number of 0 to 255 (the reading refuses those). */
function maxForwardsOf(req: SrfRequest): number {
  const text = req.get('max-forwards')?.trim() ?? '';
  const value = /^\d{1,3}$/.test(text) ? Number(text) : 70;
  return value <= 255 ? value : 70;
}
