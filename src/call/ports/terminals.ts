// What a call asks of the terminals, and what terminals may ask of the calls.
import type { ConnectMode } from '../record.ts';
import type { CallView } from '../view.ts';

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
  /** As the terminal gave it: what a person typed, or `terminal`; several are several phones of the same person. */
  to: readonly [string, ...string[]];
  /** Whether several ring together, or one after the other. */
  order: 'together' | 'in-turn';
  mode: 'auto' | ConnectMode;
  /** Of a connected call: the party there talks to the new one first, while the caller hears music. */
  attended: boolean;
  /** Idempotency key of the terminal. */
  key?: string;
  /** What `partyOf` said when it came, before its password was checked: who wins meanwhile must not be moved by it. */
  party?: number;
}

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
  /** The attempt by which the caller of this call is connected now; undefined while they are not. */
  partyOf(account: string, callId: string): number | undefined;
  transfer(account: string, instruction: Instruction): Promise<CallAnswer>;
  decline(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  hangUp(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  /** Ends a consultation (attended move): the caller is connected with the new party. */
  complete(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  hold(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  resume(account: string, callId: string, terminalId: string): Promise<CallAnswer>;
  digits(account: string, callId: string, terminalId: string, digits: string): Promise<CallAnswer>;
}
