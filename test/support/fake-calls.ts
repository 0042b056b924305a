import type { CallAnswer, CallControl, Instruction } from '../../src/call/ports.ts';
import type { CallView } from '../../src/call/view.ts';

/** What was asked of the calls, in order. */
export type Asked =
  | { what: 'arrived'; account: string; terminalId: string }
  | { what: 'received'; account: string; callId: string; terminalId: string }
  | { what: 'transfer'; account: string; instruction: Instruction }
  | { what: 'decline' | 'hangUp' | 'hold' | 'resume' | 'complete'; account: string; callId: string; terminalId: string }
  | { what: 'digits'; account: string; callId: string; terminalId: string; digits: string };

/** The calls' side for tests of the gateway: says what it is told to say, and remembers what it was asked. */
export class FakeCalls implements CallControl {
  readonly asked: Asked[] = [];
  readonly standing = new Map<string, CallView[]>();
  /** How requests are answered; may wait, reject or throw. */
  answer: (asked: Asked) => CallAnswer | Promise<CallAnswer> = () => ({ ok: true });
  readonly #waiting: { matches: (asked: Asked) => boolean; resolve: (asked: Asked) => void }[] = [];

  /** Resolves with the first request, past or to come, that matches. */
  once(matches: (asked: Asked) => boolean): Promise<Asked> {
    const past = this.asked.find(matches);
    if (past) return Promise.resolve(past);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  callsOf(account: string): CallView[] {
    return [...(this.standing.get(account) ?? [])];
  }
  terminalArrived(account: string, terminalId: string): void {
    this.#note({ what: 'arrived', account, terminalId });
  }
  received(account: string, callId: string, terminalId: string): void {
    this.#note({ what: 'received', account, callId, terminalId });
  }
  partyOf(): undefined {
    return undefined;
  }
  transfer(account: string, instruction: Instruction): Promise<CallAnswer> {
    return this.#ask({ what: 'transfer', account, instruction });
  }
  decline(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#ask({ what: 'decline', account, callId, terminalId });
  }
  hangUp(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#ask({ what: 'hangUp', account, callId, terminalId });
  }
  hold(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#ask({ what: 'hold', account, callId, terminalId });
  }
  resume(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#ask({ what: 'resume', account, callId, terminalId });
  }
  complete(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#ask({ what: 'complete', account, callId, terminalId });
  }
  digits(account: string, callId: string, terminalId: string, digits: string): Promise<CallAnswer> {
    return this.#ask({ what: 'digits', account, callId, terminalId, digits });
  }

  #ask(asked: Asked): Promise<CallAnswer> {
    this.#note(asked);
    return Promise.resolve(this.answer(asked));
  }
  #note(asked: Asked): void {
    this.asked.push(asked);
    for (const waiting of [...this.#waiting]) {
      if (!waiting.matches(asked)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve(asked);
    }
  }
}

/** A call that waits for an instruction. */
export function waitingCall(id: string, more: Partial<CallView> = {}): CallView {
  return {
    id,
    state: 'waiting',
    caller: '+8613800138000',
    callerWithheld: false,
    firstCalled: '+8675520000001',
    arrivedAt: '2026-01-01T00:00:00.000Z',
    decideBefore: '2026-01-01T00:01:00.000Z',
    ...more,
  };
}
