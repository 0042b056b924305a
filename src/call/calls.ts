import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';
import type { Call, CallFlow, CallTools } from './call.ts';
import { standingBridge } from './carry-out.ts';
import { sendDigits } from './connect/digits.ts';
import { arrive, happened } from './flow.ts';
import { checkInstruction } from './instruct.ts';
import { InstructionRate } from './instruction-rate.ts';
import type { CallEvent, WithoutTime } from './machine.ts';
import { noteReceipt, noteTold } from './notify.ts';
import type { CallAnswer, CallControl, CallerLegEvents, IncomingCall, Instruction, Refusal } from './ports.ts';
import type { CallRecord } from './record.ts';
import { viewOf } from './view-of.ts';
import type { CallView } from './view.ts';

/** Ended calls that are remembered, so that a late terminal hears "too late" and not "unknown". */
const remembered = 10_000;
/** How long an acknowledgement waits for the store, in milliseconds. */
const safeWithin = 2_000;
/** How long the legs, media and records of interrupted calls may take to close, in milliseconds. */
const closeWithin = 10_000;

const refuse = (error: Refusal): CallAnswer => ({ ok: false, error });

/** All calls of this node, and what terminals may ask of them. */
export class Calls implements CallControl {
  readonly #tools: CallTools;
  readonly #calls = new Map<string, Call>();
  /** Answers to instructions by idempotency key, kept as long as the call. */
  readonly #answers = new Map<string, Map<string, Promise<CallAnswer>>>();
  /** Account of each call that ended lately, oldest first. */
  readonly #ended = new Map<string, string>();
  readonly #flow: CallFlow = { happened, gone: (over) => this.#forget(over) };
  #onEmpty: (() => void) | undefined;

  constructor(tools: Omit<CallTools, 'standing' | 'rate'>) {
    const rate = new InstructionRate(tools.clock, tools.settings.instructionsPerMinute);
    this.#tools = { ...tools, rate, standing: () => this.#calls.size };
  }

  /** Calls that arrive, wait, stand, or are being closed. */
  get size(): number {
    return this.#calls.size;
  }

  /** Calls whose record cannot be written now; it is tried again, and goes into the log in the end. */
  get unwritten(): number {
    return [...this.#calls.values()].filter(({ keeper }) => keeper.failing).length;
  }

  /** An INVITE came and is held by the trunk; returns, in the same tick, what the caller leg is to call. */
  incoming(incoming: IncomingCall): CallerLegEvents {
    const { call, events } = arrive(incoming, this.#tools, this.#flow);
    this.#calls.set(call.id, call);
    return events;
  }

  /**
   * Closes what an earlier process of this node left behind: the record of each call that stood when it died is
   * closed as interrupted, and its media are removed at their engines. Returns how many there were.
   */
  async recover(): Promise<number> {
    const { records, media, clock, node, log, settings } = this.#tools;
    const left = await records.standing(node);
    await Promise.all(
      left.map((record) =>
        media.release({ callId: record.id, sessions: sessionsOf(record, settings.maxNumbers), noted: record.media }),
      ),
    );
    for (const record of left) {
      const at = clock.now();
      const attempts = record.attempts.map((attempt) => ({ ...attempt, endedAt: attempt.endedAt ?? at }));
      await records.close(record.id, { reason: 'interrupted', by: 'service', at }, { attempts });
      log.warn({ call: record.id }, 'a call that stood when the service died is closed as interrupted');
    }
    return left.length;
  }

  /** Lets standing calls go on to their end, but no longer than `within` milliseconds; then ends those that are left. */
  async drain(within: number): Promise<void> {
    const { clock, log } = this.#tools;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#calls.size === 0) resolve();
    });
    const inTime = await withDeadline(clock, within, 'the end of the standing calls', empty).then(
      () => true,
      () => false,
    );
    if (inTime) return;
    log.warn({ calls: this.#calls.size }, 'calls that still stand are ended now');
    for (const call of this.#calls.values()) {
      if (!call.over) call.happened({ is: 'interrupted', now: clock.now() });
    }
    await withDeadline(clock, closeWithin, 'closing the calls', empty).catch((error: unknown) =>
      log.error({ calls: this.#calls.size }, messageOf(error)),
    );
  }

  #forget(call: Call): void {
    this.#calls.delete(call.id);
    this.#answers.delete(call.id);
    if (call.record.account !== undefined) this.#ended.set(call.id, call.record.account);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= remembered) break;
      this.#ended.delete(oldest);
    }
    if (this.#calls.size === 0) this.#onEmpty?.();
  }

  callsOf(account: string): CallView[] {
    return [...this.#calls.values()].filter((call) => this.#shown(call, account)).map(viewOf);
  }

  terminalArrived(account: string, terminalId: string): void {
    const now = this.#tools.clock.now();
    for (const call of this.#calls.values()) {
      if (call.state.at !== 'waiting' || !this.#shown(call, account)) continue;
      noteTold(call, terminalId, now);
      call.keeper.update(call.id, { notified: call.record.notified });
    }
  }

  received(account: string, callId: string, terminalId: string): void {
    const call = this.#find(account, callId);
    if ('state' in call) noteReceipt(call, terminalId);
  }

  partyOf(account: string, callId: string): number | undefined {
    const call = this.#find(account, callId);
    return 'state' in call && 'party' in call.state ? call.state.party : undefined;
  }

  /** The first instruction that arrives here wins: from the check to the change of state nothing else can happen. */
  transfer(account: string, instruction: Instruction): Promise<CallAnswer> {
    const call = this.#find(account, instruction.callId);
    if (!('state' in call)) return Promise.resolve(refuse(call));
    const { key } = instruction;
    if (key === undefined) return this.#instruct(call, account, instruction);
    let answers = this.#answers.get(call.id);
    if (!answers) this.#answers.set(call.id, (answers = new Map<string, Promise<CallAnswer>>()));
    const earlier = answers.get(key);
    if (earlier) return earlier;
    const answer = this.#instruct(call, account, instruction);
    answers.set(key, answer);
    return answer;
  }

  /** An instruction that is acknowledged survives a crash: the answer waits until it stands in the record. */
  async #instruct(call: Call, account: string, instruction: Instruction): Promise<CallAnswer> {
    const answer = this.#decide(call, account, instruction);
    if (answer.ok) await call.keeper.safe(safeWithin);
    return answer;
  }

  #decide(call: Call, account: string, instruction: Instruction): CallAnswer {
    const taken = notWaiting(call) ?? overtaken(call, instruction);
    if (taken) return refuse(taken);
    const wait = this.#tools.rate.wait(account, instruction.to.length);
    if (wait > 0) {
      const message = `too many instructions in a minute: try again in ${wait} s`;
      return refuse({ code: 'unavailable', message, retryAfter: wait });
    }
    const checked = checkInstruction(call, instruction);
    if (!checked.ok) {
      call.log.info(
        { terminal: instruction.terminalId, code: checked.error.code },
        `an instruction is refused: ${checked.error.message}`,
      );
      return refuse(checked.error);
    }
    call.happened({ is: 'instructed', instruction: checked.instruction, now: this.#tools.clock.now() });
    return { ok: true, call: viewOf(call) };
  }

  decline(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#act(account, callId, (call) => {
      if ('party' in call.state) {
        return refuse({ code: 'too-late', message: 'the call is connected already: hang it up instead' });
      }
      return this.#happened(call, { is: 'declined', by: terminalId });
    });
  }

  hangUp(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#act(account, callId, (call) => this.#happened(call, { is: 'hung-up-by-terminal', by: terminalId }));
  }

  hold(account: string, callId: string): Promise<CallAnswer> {
    return this.#act(account, callId, (call) => {
      if (call.state.at !== 'connected') return refuse(notConnected);
      return this.#happened(call, { is: 'held', attempt: call.state.party, by: 'terminal' });
    });
  }

  /** Ends a hold that a terminal has asked for; while a connected call is being moved, takes that back. */
  resume(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#act(account, callId, (call) => {
      const { state } = call;
      if (state.at === 'moving') return this.#happened(call, { is: 'move-abandoned', by: terminalId });
      if (state.at !== 'connected') return refuse(notConnected);
      return this.#happened(call, { is: 'resumed', attempt: state.party, by: 'terminal' });
    });
  }

  complete(account: string, callId: string, terminalId: string): Promise<CallAnswer> {
    return this.#act(account, callId, (call) => {
      if (call.state.at !== 'moving' || call.state.stage !== 'talking') {
        return refuse({ code: 'too-late', message: 'nobody is talking to a new party whom the caller could go to' });
      }
      return this.#happened(call, { is: 'move-completed', by: terminalId });
    });
  }

  digits(account: string, callId: string, _terminalId: string, digits: string): Promise<CallAnswer> {
    return this.#act(account, callId, async (call) => {
      const bridge = standingBridge(call);
      if (!bridge) return refuse(notConnected);
      await sendDigits(bridge, digits);
      return { ok: true, call: viewOf(call) };
    });
  }

  #happened(call: Call, event: WithoutTime<CallEvent>): CallAnswer {
    call.happened({ ...event, now: this.#tools.clock.now() });
    return { ok: true, call: viewOf(call) };
  }

  async #act(
    account: string,
    callId: string,
    action: (call: Call) => CallAnswer | Promise<CallAnswer>,
  ): Promise<CallAnswer> {
    const call = this.#find(account, callId);
    if (!('state' in call)) return refuse(call);
    if (call.over) return refuse(tooLate);
    try {
      return await action(call);
    } catch (error) {
      call.log.warn(`a terminal's request failed: ${messageOf(error)}`);
      return refuse({ code: 'unavailable', message: `it could not be done: ${messageOf(error)}` });
    }
  }

  #find(account: string, callId: string): Call | Refusal {
    const call = this.#calls.get(callId);
    if (call && call.record.account === account && call.state.at !== 'arriving') return call;
    if (this.#ended.get(callId) === account) return tooLate;
    return { code: 'unknown-call', message: `there is no call ${callId} of this account` };
  }

  #shown(call: Call, account: string): boolean {
    return call.record.account === account && call.state.at !== 'arriving' && !call.over;
  }
}

/**
 * How many media sessions a call may have had: one of a parked caller, one for each number that was called, and one for each
 * time that two were joined anew. One attempt more than is written: an engine may have had the offer before the store had it.
 */
function sessionsOf({ attempts }: CallRecord, maxNumbers: number): number {
  const called = attempts.reduce((sum, { among }) => sum + (among?.length ?? 1), 0);
  return 1 + called + attempts.length + maxNumbers + 1;
}

const tooLate: Refusal = { code: 'too-late', message: 'the call is over' };

const notConnected: Refusal = { code: 'too-late', message: 'that is possible only while the call is connected' };

/** Why an instruction cannot mean the party that the caller talks to now: they were connected after it had come. */
function overtaken({ state, record }: Call, { party }: Instruction): Refusal | undefined {
  if (state.at !== 'connected' || state.party === party) return undefined;
  const by = record.attempts[state.party - 1]?.by ?? '';
  return { code: 'already-taken', message: `${by} was faster`, by };
}

/** Why a call takes no instruction now: who won, or that it is over. */
function notWaiting({ state }: Call): Refusal | undefined {
  switch (state.at) {
    case 'waiting':
    case 'connected':
      return undefined;
    case 'arriving':
    case 'ended':
      return tooLate;
    case 'calling':
    case 'joining':
    case 'moving': {
      const { by } = state.instruction;
      return { code: 'already-taken', message: `${by} was faster`, by };
    }
  }
}
