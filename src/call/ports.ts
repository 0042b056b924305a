// All that a call may ask of the outside. The adapters (trunk, terminals, media, store) implement these
// interfaces; main.ts connects them. Nothing here throws synchronously; promises reject with a Failure
// (shared/errors.ts), DeadlineExceeded, or an Error that the caller of the port turns into the call's end.
import type { ReadingResult, Reading } from '../numbers/read.ts';
import type { CallEnd, EndReason } from './end.ts';
import type { CallRecord, RecordChange } from './record.ts';
import type { Subscriber, SubscriberNumber, SubscriberSecrets, InstructionProof, TerminalLogin } from './subscriber.ts';
import type { CallView, CallViewState } from './view.ts';

// ---------------------------------------------------------------- trunk

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
}
export interface InDialogAnswer {
  status: number;
  reason?: string;
  contentType?: string;
  body?: string;
}

/** Events of a leg after it was answered; both legs have them. */
export interface StandingLegEvents {
  /** The far side hung up (BYE), or its dialog is lost (408, 481, no ACK: `lost`). Comes at most once. */
  ended(how: { cause: Cause; lost: boolean }): void;
  /** The far side asks something inside the dialog; `answer` must be called once, or times out with 504 after 30 s. */
  request(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void;
}

/** Events of the caller leg. They may come at any time after `TrunkEvents.invite` returned, never before. */
export interface CallerLegEvents extends StandingLegEvents {
  /** CANCEL: the INVITE is over, 487 was sent. Comes at most once, and never after `answer` succeeded. */
  cancelled(cause: Cause): void;
}

/** Our side of the caller's dialog. Every method may be called in any order; what comes too late does nothing. */
export interface CallerLeg {
  /** 180 or 183 towards the caller; with an SDP it is early media (then 183). */
  progress(status: 180 | 183, sdp?: string): void;
  /** Sends 200 with `sdp`; resolves when the ACK came; rejects when it did not, or a CANCEL was faster (`cancelled` then comes first). */
  answer(sdp: string): Promise<void>;
  /** Final response of 300 to 699, when there was none; with Reason headers out of `cause`. */
  reject(status: number, cause?: Cause): void;
  /** BYE when answered, otherwise 480. Resolves when the far side answered or the deadline (32 s) passed. */
  hangUp(cause?: Cause): Promise<void>;
  request(request: InDialogRequest): Promise<InDialogAnswer>;
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
  /** The caller's offer; undefined in an INVITE without one (delayed offer). */
  sdp?: string;
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
  /** A provisional response over 100; `sdp` when it carries early media. */
  progress(progress: { status: number; sdp?: string }): void;
  /** 2xx: the trunk has sent the ACK. */
  answered(answer: { sdp: string }): void;
  /** No gateway connected it. Comes at most once, never after `answered` or `hangUp`. */
  failed(failure: TargetFailure): void;
}

/** Our side of the target's dialog. */
export interface TargetLeg {
  /** CANCEL while it rings (a 2xx that crosses it is acknowledged and ended), BYE when answered; idempotent. */
  hangUp(cause?: Cause): Promise<void>;
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
  sdp: string;
  /** Of the caller's INVITE; the trunk sends one less (RFC 7332). */
  maxForwards: number;
  network?: NetworkHeaders;
}

export interface TrunkPort {
  /** Whether a route leads to this number. */
  reaches(to: string): boolean;
  /** Calls the number through its route; everything that follows comes as an event, never before this returned. */
  dial(request: DialRequest, events: TargetLegEvents): TargetLeg;
}

/** What the trunk calls when an INVITE came; the events of the caller leg are returned in the same tick. */
export type OnIncomingCall = (incoming: IncomingCall) => CallerLegEvents;

// ---------------------------------------------------------------- terminals

export interface PresentTerminal {
  terminalId: string;
  name?: string;
  /** Where its own IP phone listens, when the terminal said so and the settings permit it: a `sip:` address. */
  ipPhone?: string;
}

export interface TerminalsPort {
  present(account: string): readonly PresentTerminal[];
  /** Tells every terminal of the account; `received` is called for each one that acknowledges. Returns who was told. */
  incoming(account: string, call: CallView, received: (terminalId: string) => void): readonly string[];
  changed(account: string, call: CallView): void;
  ended(account: string, call: CallView): void;
}

/** An instruction whose sender was logged in and whose password or PIN, where given or demanded, was right. */
export interface Instruction {
  callId: string;
  terminalId: string;
  /** As the terminal gave it: what a person typed, or `terminal`. */
  to: string;
  mode: 'auto' | ConnectModeName;
  /** Idempotency key of the terminal. */
  key?: string;
}
type ConnectModeName = 'bridge' | 'refer' | 'redirect';

/** Codes of refused requests of a terminal (terminal-protocol). */
export type RefusalCode =
  | 'malformed'
  | 'unknown-call'
  | 'too-late'
  | 'already-taken'
  | 'password-needed'
  | 'bad-password'
  | 'locked'
  | 'bad-number'
  | 'not-allowed'
  | 'emergency-number'
  | 'no-media'
  | 'unavailable'
  | 'internal';
export interface Refusal {
  code: RefusalCode;
  /** For a person: what happened and what to do. */
  message: string;
  /** Seconds. */
  retryAfter?: number;
  /** `already-taken`: the terminal that won. */
  by?: string;
}
export type CallAnswer = { ok: true; call?: CallView } | { ok: false; error: Refusal };

/** What terminals may ask of the calls of their account; implemented by the call side, used by the gateway. */
export interface CallControl {
  /** Calls of the account that wait or stand. */
  callsOf(account: string): CallView[];
  /** A terminal logged in while calls wait: it is told of them, and its receipts are recorded. */
  terminalArrived(account: string, terminalId: string): void;
  received(account: string, callId: string, terminalId: string): void;
  transfer(account: string, instruction: Instruction): Promise<CallAnswer>;
  decline(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  hangUp(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  hold(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  resume(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  digits(account: string, callId: string, terminalId: string, digits: string): Promise<CallAnswer>;
}

// ---------------------------------------------------------------- media

export type Side = 'caller' | 'target';

/** The media of one attempt to connect. `direct`: descriptions pass unchanged; rtpengine: its addresses are put in. */
export interface MediaSession {
  /** Names the session at the engine, for the record; undefined in direct mode. */
  readonly engine?: { session: string; engine: string };
  /** An offer from `from`; resolves with what to offer the other side. */
  offer(from: Side, sdp: string): Promise<string>;
  /** The answer from `from` to the last offer; resolves with what to answer the other side. May come more than once (183, 200). */
  answer(from: Side, sdp: string): Promise<string>;
  /** Ends it at the engine; idempotent, never rejects. */
  close(): Promise<void>;
}

export interface MediaPort {
  readonly mode: 'direct' | 'rtpengine';
  /** @throws Failure `no-media` when no engine is healthy */
  open(callId: string, attempt: number): Promise<MediaSession>;
  /**
   * Removes what a crash may have left of the attempts 1 to `attempts` of a call, at whatever engine; never rejects.
   * `noted` is what the record knew of them.
   */
  release(left: {
    callId: string;
    attempts: number;
    noted: readonly { session: string; engine: string }[];
  }): Promise<void>;
}

// ---------------------------------------------------------------- store

export interface NewSubscriber {
  account: string;
  ownerName?: string;
  ownerAddress?: string;
  numbers: SubscriberNumber[];
  proof: InstructionProof;
  secrets: SubscriberSecrets;
}
/** `null` removes a value; a key that is absent stays as it was. */
export interface SubscriberChange {
  ownerName?: string | null;
  ownerAddress?: string | null;
  proof?: InstructionProof;
  passwordHash?: string;
  pinHash?: string | null;
}

/** The subscribers as the call needs them. */
export interface SubscriberDirectory {
  /** The first subscriber to whom one of `candidates` belongs, in their order, as number or as second called number. */
  findByNumber(
    candidates: readonly string[],
  ): Promise<{ subscriber: Subscriber; number: SubscriberNumber } | undefined>;
}

/** The records as the call needs them. Each promise resolves when the change survives `kill -9`. */
export interface RecordBook {
  open(record: CallRecord): Promise<void>;
  update(id: string, change: RecordChange): Promise<void>;
  /** Closes the record once: false when it was closed before (it then stays as it was). */
  close(id: string, end: CallEnd, change: RecordChange): Promise<boolean>;
  /** Records of this node without an end. */
  standing(node: string): Promise<CallRecord[]>;
}

/** Everything that is stored; one conformance suite runs on every implementation. */
export interface Store {
  readonly subscribers: SubscriberDirectory & {
    /** @throws Failure `account-exists`, `number-taken` (with the number) */
    add(subscriber: NewSubscriber): Promise<Subscriber>;
    get(account: string): Promise<Subscriber | undefined>;
    /** By the account's name or any of its numbers (stored form); with the secrets, for comparing. */
    credentials(accountOrNumber: string): Promise<{ subscriber: Subscriber; secrets: SubscriberSecrets } | undefined>;
    /** In the order of account names, after `after`. */
    list(page: { after?: string; limit: number }): Promise<Subscriber[]>;
    /** @throws Failure `unknown-account` */
    change(account: string, change: SubscriberChange): Promise<Subscriber>;
    remove(account: string): Promise<boolean>;
    /** @throws Failure `unknown-account`, `number-taken` */
    addNumber(account: string, number: SubscriberNumber): Promise<Subscriber>;
    /** @throws Failure `unknown-account`, `unknown-number`, `last-number` (an account keeps at least one) */
    removeNumber(account: string, number: string): Promise<Subscriber>;
    /** Calls `changed` with the account's name soon (at most 1 s) after any process changed or removed it; returns the end of watching. */
    watch(changed: (account: string) => void): () => void;
  };
  readonly logins: {
    /** One row for each account and terminal id; a later login replaces it. */
    save(login: TerminalLogin): Promise<void>;
    seen(account: string, terminalId: string, at: number): Promise<void>;
    loggedOut(account: string, terminalId: string, at: number): Promise<void>;
    of(account: string): Promise<TerminalLogin[]>;
  };
  readonly records: RecordBook & {
    get(id: string): Promise<CallRecord | undefined>;
    /**
     * Newest first, among equals by id, the greater first. `number`: as caller, first, second or final called number.
     * `before`: only calls that arrived before that time; with `beforeId` (the last of a page) also those of that
     * very millisecond that come after it, so that pages neither lose nor repeat any.
     */
    list(filter: {
      account?: string;
      number?: string;
      before?: number;
      beforeId?: string;
      limit: number;
    }): Promise<CallRecord[]>;
  };
  /** A secret of the service that is made once and kept (key of the tokens); the same for every node. */
  secret(name: string, make: () => string): Promise<string>;
  /** Resolves when the store answers; rejects with the reason when it does not. For /ready. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- metrics

/** What is measured of calls (Prometheus, admin/). */
export interface CallMetrics {
  /** `from` undefined: it arrives. `to` ended: it is in no state any more; `callEnded` tells why. */
  callState(from: CallViewState | 'arriving' | undefined, to: CallViewState | 'arriving'): void;
  callEnded(reason: EndReason): void;
  /** How long a step of a call took, in milliseconds. */
  step(name: CallStep, milliseconds: number): void;
}
/** From the INVITE to the notification; from there to the instruction; from the instruction to our INVITE, to ringing, to the answer. */
export type CallStep = 'notify' | 'decide' | 'dial' | 'ring' | 'answer';
