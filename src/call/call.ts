import type { NumberingSettings } from '../numbers/number.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import type { EndReason } from './end.ts';
import type { InstructionRate } from './instruction-rate.ts';
import type { AcceptedInstruction, CallEvent, CallRules, CallState, TimerName } from './states.ts';
import type { PairingTools } from './connect/exchange.ts';
import { Party } from './connect/party.ts';
import type {
  CallMetrics,
  Cause,
  IncomingCall,
  MediaPort,
  PhoneReferral,
  RecordBook,
  SubscriberDirectory,
  TerminalsPort,
  TrunkPort,
} from './ports.ts';
import type { AttemptRecord, CallRecord } from './record.ts';
import { RecordKeeper } from './record-keeper.ts';
import type { Subscriber } from './subscriber.ts';

/** Settings `calls` of the site, in milliseconds and SIP statuses. */
export interface CallSettings extends CallRules {
  whenNoTerminal: number;
  whenUnknown: number;
  /** Prefixes of the stored form that subscribers may call, and that they may not; the longest one that fits decides. */
  allow: readonly string[];
  deny: readonly string[];
  /** `sip:` addresses that subscribers may have called: terminals' own IP phones. */
  mayCallPhone: (uri: string) => boolean;
  /** Instructions that one account may give in a minute, over all its calls. */
  instructionsPerMinute: number;
  /** Which phones may move the call by their own transfer key: none, terminals' own IP phones, or all that we called. */
  phonesMayTransfer: 'never' | 'ip-phones' | 'all';
  /** Numbers that one instruction may name: the phones of one person. */
  maxNumbers: number;
  /** Music of the site, where the subscriber has none of their own: absolute path, as the announcements. */
  music?: string;
  /** Heard once: before the music, and when a final number was busy and the caller goes on waiting. */
  announcements: { wait?: string; busy?: string };
  /** Calls that may stand at once; more are refused with 503. */
  maxCalls: number;
}

/** What calls are made with; built once by main.ts. */
export interface CallTools {
  node: string;
  settings: CallSettings;
  numbering: NumberingSettings;
  trunk: TrunkPort;
  terminals: TerminalsPort;
  media: MediaPort;
  subscribers: SubscriberDirectory;
  records: RecordBook;
  metrics: CallMetrics;
  /** Calls that stand now. */
  standing: () => number;
  rate: InstructionRate;
  clock: Clock;
  log: Logger;
}

/** Why a step does not let the call go on, and what the caller gets. */
export interface Refused {
  reason: EndReason;
  status: number;
  /** For the log. */
  why: string;
}

/** One step of the flow: looks at the call, may add to what is known of it, and may refuse it. */
export type Step = (call: Call) => Refused | undefined | Promise<Refused | undefined>;

/** One try to reach final called numbers: connect/bridge.ts, refer.ts, redirect.ts. */
export interface Attempt {
  /** What follows comes as events of the machine that carry the attempt's number. */
  start(instruction: AcceptedInstruction): void;
  /** Ends its legs and media; idempotent, and nothing is told after it. Resolves when they are gone. */
  stop(cause: Cause): Promise<void>;
}

/** Media of a caller who was offered some before anybody was called: connect/early-offer.ts. */
export interface EarlyMedia {
  /** Resolves when the caller has answered the offer, or will not. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
}

/** What a caller hears who is answered and connected with nobody: connect/parking.ts. */
export interface ParkedMedia {
  /** Resolves when the caller is parked, or cannot be: the machine knows which. */
  readonly settled: Promise<void>;
  announceBusy(): void;
  /** The caller was taken away, and comes back. */
  bring(): Promise<void>;
  close(): Promise<void>;
}

/** What a call reports to. */
export interface CallFlow {
  happened(call: Call, event: CallEvent): void;
  gone(call: Call): void;
}

const noWishes = {};
const settled = Promise.resolve();

/** One call: its state, what is known of it (the record), and what it holds (legs, media, timers). */
export class Call {
  readonly id: string;
  readonly incoming: IncomingCall;
  readonly tools: CallTools;
  readonly log: Logger;
  readonly record: CallRecord;
  readonly keeper: RecordKeeper;
  timers: Partial<Record<TimerName, Timer | undefined>> = {};
  /** What those want whom the call is for, once it is located. */
  wishes: Pick<Subscriber, 'music' | 'connect'> = noWishes;
  state: CallState;
  readonly caller: Party;
  parking: ParkedMedia | undefined;
  early: EarlyMedia | undefined;
  /** The attempts that run or stand. */
  attempts: readonly { readonly number: number; readonly attempt: Attempt }[] = [];
  /** Of the party's phone, which has asked for the move that goes on, and is told of it. */
  referral: PhoneReferral | undefined;
  /** What happened and is being carried out, and what happened meanwhile. */
  readonly events: CallEvent[] = [];
  /** What is still being closed; the call is done when all of it is. */
  readonly closing: Promise<unknown>[] = [];
  readonly #flow: CallFlow;
  /** Tells the machine what happened. */
  readonly happened = (event: CallEvent): void => this.#flow.happened(this, event);
  #sessions = 0;
  #joining: Promise<unknown> = settled;

  constructor(incoming: IncomingCall, record: CallRecord, tools: CallTools, flow: CallFlow) {
    this.id = record.id;
    this.incoming = incoming;
    this.tools = tools;
    this.record = record;
    this.#flow = flow;
    this.log = tools.log.child({ call: record.id });
    this.keeper = new RecordKeeper(tools.records, tools.clock, this.log);
    this.state = { at: 'arriving', since: record.arrivedAt };
    this.caller = new Party(
      { name: 'the caller', called: false, trunk: incoming.trunk, clock: tools.clock },
      (request) => incoming.leg.request(request),
    );
    this.caller.described = incoming.sdp;
  }

  /** Called once, when the call has ended and all of it is closed. */
  gone(): void {
    this.#flow.gone(this);
  }

  /** What its media sessions are opened with. */
  get pairingTools(): PairingTools {
    const { id: callId, record, keeper, log } = this;
    const { media, clock } = this.tools;
    return {
      ...{ callId, media, clock, log },
      nextSession: () => ++this.#sessions,
      inTurn: (bring) => this.inTurn(bring),
      noteEngine: (at) => {
        record.media.push({ ...at });
        keeper.update(callId, { media: record.media });
      },
    };
  }

  /** Our 200 to the caller; resolves when its ACK came, with what that says. */
  async answer(sdp: string): Promise<{ sdp?: string }> {
    const acknowledged = await this.incoming.leg.answer(this.caller.said(sdp));
    this.caller.answered = true;
    this.closeEarly();
    return acknowledged;
  }

  closeEarly(): void {
    if (this.early) this.closing.push(this.early.close());
    this.early = undefined;
  }

  get over(): boolean {
    return this.state.at === 'ended';
  }

  /** Whether the caller may be kept waiting for yet another number. */
  get mayWaitLonger(): boolean {
    return !('since' in this.state) || this.tools.clock.now() < this.state.since + this.tools.settings.maxHold;
  }

  /** The record of an attempt; it exists from `start-attempt` on. */
  attemptRecord(number: number): AttemptRecord | undefined {
    return this.record.attempts[number - 1];
  }

  /** Two parties are joined, one pair after the other: a later join finds what an earlier one has left. */
  inTurn<T>(join: () => Promise<T>): Promise<T> {
    const mine = this.#joining.then(join);
    this.#joining = mine.catch(() => undefined);
    return mine;
  }
}
