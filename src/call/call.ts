import type { NumberingSettings } from '../numbers/number.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import type { EndReason } from './end.ts';
import type { AcceptedInstruction, CallEvent, CallRules, CallState, TimerName } from './machine.ts';
import type {
  CallMetrics,
  Cause,
  InDialogAnswer,
  InDialogRequest,
  IncomingCall,
  MediaPort,
  RecordBook,
  Side,
  SubscriberDirectory,
  TerminalsPort,
  TrunkPort,
} from './ports.ts';
import type { AttemptRecord, CallRecord } from './record.ts';
import { RecordKeeper } from './record-keeper.ts';

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
  /** Whether the caller is answered, and hears music, as soon as the terminals are told. */
  answerEarly: boolean;
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

/** One try to connect the caller with a final called number (bridge, and later refer and redirect). */
export interface Attempt {
  /** Calls the final number; what follows comes as events of the machine that carry the attempt's number. */
  start(instruction: AcceptedInstruction): void;
  /** A provisional response of the target goes to the caller, its early media with it. */
  ringCaller(status: number, sdp: string | undefined): void;
  answerCaller(sdp: string): void;
  /** Ends the target leg and the media; idempotent. Resolves when both are gone. */
  stop(cause: Cause): Promise<void>;
  /** Carries a request of one side to the other (re-INVITE, INFO ...). */
  carry(from: Side, request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void;
  /** Asks one side something of our own. */
  ask(side: Side, request: InDialogRequest): Promise<InDialogAnswer>;
}

/** What a call reports to. */
export interface CallFlow {
  happened(call: Call, event: CallEvent): void;
  gone(call: Call): void;
}

/** One call: its state, what is known of it (the record), and what it holds (leg, attempt, timers). */
export class Call {
  readonly id: string;
  readonly incoming: IncomingCall;
  readonly tools: CallTools;
  readonly log: Logger;
  readonly record: CallRecord;
  readonly keeper: RecordKeeper;
  readonly timers = new Map<TimerName, Timer>();
  /** The subscriber's number that the call is for, once it is located. */
  subscriberNumber: string | undefined;
  state: CallState;
  /** The attempt that runs or stands. */
  attempt: Attempt | undefined;
  /** What is still being closed; the call is done when all of it is. */
  readonly closing: Promise<unknown>[] = [];
  /** Tells the machine what happened. */
  readonly happened: (event: CallEvent) => void;
  /** Called once, when the call has ended and all of it is closed. */
  readonly gone: () => void;

  constructor(incoming: IncomingCall, record: CallRecord, tools: CallTools, flow: CallFlow) {
    this.id = record.id;
    this.incoming = incoming;
    this.tools = tools;
    this.record = record;
    this.happened = (event) => flow.happened(this, event);
    this.gone = () => flow.gone(this);
    this.log = tools.log.child({ call: record.id });
    this.keeper = new RecordKeeper(tools.records, tools.clock, this.log);
    this.state = { at: 'arriving', arrivedAt: record.arrivedAt };
  }

  get over(): boolean {
    return this.state.at === 'ended';
  }

  /** The record of an attempt; it exists from `start-attempt` on. */
  attemptRecord(number: number): AttemptRecord | undefined {
    return this.record.attempts[number - 1];
  }
}
