// What a call asks of the operator's side: the two legs, and how they are connected by the network itself.
import type { Reading, ReadingResult } from '../../numbers/read.ts';
import type { EndReason } from '../end.ts';
import type { ConnectMode } from '../record.ts';

/** ITU-T Q.850 and SIP causes out of Reason headers (RFC 3326), or to be written into one. */
export interface Cause {
  /** `Reason: SIP;cause=`: 100 to 699. */
  sip?: number;
  /** `Reason: Q.850;cause=`: 1 to 127. */
  q850?: number;
  text?: string;
}

/** A request inside a standing dialog that the other side should see: re-INVITE, UPDATE, INFO, MESSAGE ... */
export interface InDialogRequest {
  method: string;
  contentType?: string;
  body?: string;
  /** Headers that are carried across (for INFO: Info-Package ...). */
  headers?: Record<string, string>;
  /** Of a target before its answer: the fork that asks. */
  fork?: string;
}
export interface InDialogAnswer {
  status: number;
  reason?: string;
  contentType?: string;
  body?: string;
  /** Of a target before its answer: the fork that was asked. */
  fork?: string;
}

/** Events of a standing leg; both legs have them. `request` may also come before the answer, then only for UPDATE (below). */
export interface StandingLegEvents {
  /** The far side hung up (BYE), or its dialog is lost (408, 481, no ACK: `lost`). Comes at most once. */
  ended(how: { cause: Cause; lost: boolean }): void;
  /**
   * The far side asks something inside the dialog; `answer` must be called once, or times out with 504 after 30 s. Before
   * the call is answered it is an UPDATE with an offer (RFC 3311), once offer and answer were exchanged reliably: carried
   * across, or answered 488 (as 200 without a description is). Refreshes and requests that cannot be now never get here.
   */
  request(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void;
}

/** Events of the caller leg. They may come at any time after `TrunkEvents.invite` returned, never before. */
export interface CallerLegEvents extends StandingLegEvents {
  /** CANCEL: the INVITE is over, 487 was sent. Comes at most once, and never after `answer` succeeded. */
  cancelled(cause: Cause): void;
}

/** Our side of the caller's dialog. Every method may be called in any order; what comes too late does nothing. */
export interface CallerLeg {
  /**
   * 180, 181 or 183 towards the caller; with an SDP it is early media (then 183). Where the trunk's policy wants it it goes
   * reliably (RFC 3262): a later, other description (another number, another fork) then goes by UPDATE where the caller
   * takes that. 181 is sent only where the trunk wants it, else 180 takes its place.
   */
  progress(status: 180 | 181 | 183, sdp?: string): void;
  /**
   * A 180 with an offer to a caller who made none and requires 100rel (RFC 3262 5); resolves with the answer of its PRACK,
   * rejects when there is none. `progress` and `answer` then go on as if the caller had made an offer.
   */
  offer(sdp: string): Promise<string>;
  /**
   * Sends 200 with `sdp`; resolves when the ACK came, with the caller's answer when `sdp` was the offer (the INVITE had none,
   * and nothing else said so before); rejects when it did not, or a CANCEL was faster (`cancelled` then comes first). Where early media bound
   * the leg to another description, `sdp` goes ahead of the 200 by UPDATE or behind the ACK by re-INVITE, and this waits.
   */
  answer(sdp: string): Promise<{ sdp?: string }>;
  /**
   * 302 with `to` as Contact, and with Diversion and History-Info (RFC 5806, RFC 7044); ends the leg. Resolves when it has
   * left (the SIP server repeats it until its ACK, which is of one hop and says nothing of who follows the Contact);
   * rejects when a final response has left already or a CANCEL was faster, and when no number could be written.
   */
  redirect(to: Destination): Promise<void>;
  /**
   * Asks the far side to call `to` in our place (RFC 3515), after the leg was answered. Exactly one of `transferred`,
   * `refused` and `failed` follows, unless the leg ends first; the dialog stands as before until it is hung up. When the
   * far side hangs up after it accepted, `transferred` comes first and `ended` in the same tick.
   */
  refer(to: Destination, events: ReferEvents): void;
  /** Final response of 300 to 699, when there was none; with Reason headers out of `cause`. */
  reject(status: number, cause?: Cause): void;
  /** BYE when answered, otherwise 480. Resolves when the far side answered or the deadline (32 s) passed. */
  hangUp(cause?: Cause): Promise<void>;
  /** Before the answer: only UPDATE, and 491 unless early media bound the leg reliably and it takes UPDATE. */
  request(request: InDialogRequest): Promise<InDialogAnswer>;
}

/** Where REFER or 302 sends the caller. */
export interface Destination {
  /** The final called numbers, `+E164`, short code, `tel:` or `sip:`, in order of preference; REFER takes the first. */
  to: readonly [string, ...string[]];
  /** Who calls and whom they dialled first: for Referred-By, Diversion and History-Info. */
  reading: Reading;
  firstCalled: string;
  /** A standing leg to the same party: the referred call is to replace it (RFC 3891). */
  replaces?: TargetLeg;
}

export interface ReferEvents {
  /** The far side has accepted (202), or tells how its call goes on (message/sipfrag 100 to 199). */
  progress(progress: { status: number }): void;
  /** The referred call was answered, or the far side hung up after it had accepted: our leg is not needed any more. */
  transferred(): void;
  /**
   * The far side does not transfer: 403, 405, 501, 603 …, silence, or a NOTIFY that tells of a fault of the network.
   * To call the number ourselves is right.
   */
  refused(refusal: { status?: number }): void;
  /** The number itself was busy, declined or did not answer: to call it again would ring somebody twice. */
  failed(failure: TargetFailure): void;
  /**
   * After `refused` for its silence: the far side has accepted after all, or goes on, and may have the number rung besides us.
   * Nothing takes that back. Comes at most once.
   */
  late(): void;
}

/** Headers of the network's own that an onward leg may carry, where its trunk's policy says so; values as received. */
export interface NetworkHeaders {
  /** P-Charging-Vector. */
  chargingVector?: string;
  /** P-Access-Network-Info. */
  accessNetworkInfo?: string;
  /** Identity (RFC 8224), and the Date that goes with it. */
  identity?: string;
  date?: string;
}

/** An INVITE from a peer of a trunk. 100 and 180 have been sent, CANCEL is listened for, nothing else was done. */
export interface IncomingCall {
  trunk: string;
  /** Address of the peer that sent it. */
  peer: string;
  sipCallId: string;
  reading: ReadingResult;
  /** How calls of this trunk may be connected, the preferred way first; at least one. */
  connect: readonly [ConnectMode, ...ConnectMode[]];
  /** The caller's offer; undefined in an INVITE without one (delayed offer). */
  sdp?: string;
  /** Without an offer of ours the caller hears nothing before the answer (see `CallerLeg.offer`). */
  awaitsOffer?: true;
  /** 0 to 255; 70 when the INVITE had none. */
  maxForwards: number;
  network?: NetworkHeaders;
  /**
   * A target leg of ours that comes back: the final called number has simultaneous ringing, too. `token`: known by what
   * we wrote into it; `numbers`: by who calls whom at this moment.
   */
  ownLeg?: 'token' | 'numbers';
  leg: CallerLeg;
}

/** How a call to a final called number failed, over all gateways of its route. */
export interface TargetFailure {
  reason: Extract<EndReason, 'target-busy' | 'target-refused' | 'target-no-answer' | 'target-unreachable' | 'failed'>;
  status?: number;
  q850?: number;
}

export interface TargetLegEvents extends StandingLegEvents {
  /** A provisional response over 100; `sdp` when it carries early media. `fork`: its To tag (RFC 3261 12.1, forking). */
  progress(progress: { status: number; sdp?: string; fork: string }): void;
  /** 2xx. The trunk has sent the ACK, unless the INVITE had no offer: then `sdp` is one, and `acknowledge` answers it. */
  answered(answer: { sdp: string; fork: string }): void;
  /** No gateway connected it. Comes at most once, never after `answered` or `hangUp`. */
  failed(failure: TargetFailure): void;
  /**
   * Its phone wants the call to go to somebody else (REFER, its transfer key); only where `DialRequest.mayRefer`, after the
   * answer, and one at a time. To be accepted or refused before this returns.
   */
  referred(referral: PhoneReferral): void;
}

/** A transfer that a phone asks for (RFC 3515). What comes too late does nothing. */
export interface PhoneReferral {
  /** `sip:` or `tel:`, as the phone wrote it; what is no such address, or asks for more than a call, never gets here. */
  readonly to: string;
  /** The host of `to` is ours or that of the phone itself: so phones write a number that was dialled there. */
  readonly here: boolean;
  /** Who says that they refer (Referred-By); nobody has checked it. */
  readonly referredBy?: string;
  /** A call that the phone has with the new party, without us: the new one is to take its place (Replaces, RFC 3891). */
  readonly replaces?: string;
  /** The phone is told 202, and 100 by NOTIFY. */
  accept(): void;
  /** With a final response of 400 to 699. */
  refuse(status: number): void;
  /** The new party rings: 180 to 199, told by NOTIFY. */
  progress(status: number): void;
  /** The outcome, 200 to 699; when the leg is hung up after that, the phone hears it first. */
  done(status: number): void;
}

/** Our side of the target's dialog. */
export interface TargetLeg {
  /** Sends the ACK of a 2xx to an INVITE without offer, with the answer in it; must come within 20 s. */
  acknowledge(sdp: string): void;
  /** CANCEL while it rings (a 2xx that crosses it is acknowledged and ended), BYE when answered; idempotent. */
  hangUp(cause?: Cause): Promise<void>;
  /** Before the answer: only UPDATE, to the fork whose early media came last; 491 where that one does not take it. */
  request(request: InDialogRequest): Promise<InDialogAnswer>;
}

export interface DialRequest {
  /** Our id of the call, for log and loop token. */
  callId: string;
  /** `+E164`, short code, or `sip:user@host`. */
  to: string;
  /** Who calls and whom they dialled first: written as identity and diversion of the target leg. */
  reading: Reading;
  firstCalled: string;
  /** The offer; without it the target is to make one (delayed offer). */
  sdp?: string;
  /** Of the caller's INVITE; the trunk sends one less (RFC 7332). */
  maxForwards: number;
  network?: NetworkHeaders;
  /** Whether its phone may ask for a transfer; else its REFER is declined (603), and Allow does not name it. */
  mayRefer: boolean;
  /** Value of a Replaces header (RFC 3891): what the phone there has with somebody else is to end for this call. */
  replaces?: string;
}

export interface TrunkPort {
  /** Whether a route leads to this number. */
  reaches(to: string): boolean;
  /** Name of the trunk that leads to this number: media policies go by it. */
  trunkTo(to: string): string | undefined;
  /** Calls the number through its route; everything that follows comes as an event, never before this returned. */
  dial(request: DialRequest, events: TargetLegEvents): TargetLeg;
}

/** What the trunk calls when an INVITE came; the events of the caller leg are returned in the same tick. */
export type OnIncomingCall = (incoming: IncomingCall) => CallerLegEvents;
