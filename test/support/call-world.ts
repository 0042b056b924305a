import assert from 'node:assert/strict';
import { Calls } from '../../src/call/calls.ts';
import type { CallSettings } from '../../src/call/call.ts';
import type { Instruction } from '../../src/call/ports.ts';
import type { CallRecord, ConnectMode } from '../../src/call/record.ts';
import type { Subscriber } from '../../src/call/subscriber.ts';
import type { CallView } from '../../src/call/view.ts';
import type { Logger } from '../../src/shared/log.ts';
import { FakeCaller } from './call/caller.ts';
import { FakeMedia, type FakeSession } from './call/media.ts';
import type { FakePhone } from './call/phone.ts';
import { portOf } from './call/phone.ts';
import { assertTimesInOrder, MemoryRecords } from './call/records.ts';
import { FakeTarget } from './call/target.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { readingOf } from './reading.ts';

export const subscriberNumber = '+8675520000001';
export const callerNumber = '+8613800138000';
export const music = '/sounds/music.wav';

const subscriber: Subscriber = {
  account: 'shop1',
  numbers: [{ number: subscriberNumber, secondCalled: '+8675529990001' }],
  proof: 'session',
  createdAt: 0,
  updatedAt: 0,
};

/** A log that keeps warnings, and what a fault of ours would write: level error and above. */
function keptLog(warnings: unknown[][], faults: unknown[][]): Logger {
  const quiet = () => undefined;
  const log = {
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: (...line: unknown[]) => void warnings.push(line),
    error: (...line: unknown[]) => void faults.push(line),
  };
  return { ...log, fatal: log.error, child: () => keptLog(warnings, faults) } as unknown as Logger;
}

/** What somebody hears. */
export type Heard = 'silence' | `music ${string}` | `voice of ${string}`;

/** A whole service around fakes: one subscriber `shop1`, whose terminals are in `present`. */
export class CallWorld {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia();
  readonly records = new MemoryRecords();
  readonly callers: FakeCaller[] = [];
  readonly targets: FakeTarget[] = [];
  readonly told: { event: 'incoming' | 'changed' | 'ended'; call: CallView }[] = [];
  readonly steps: string[] = [];
  readonly warnings: unknown[][] = [];
  /** What was logged as a fault of ours. */
  readonly faults: unknown[][] = [];
  readonly subscriber = { ...subscriber };
  present = ['pc', 'phone'];
  receive = true;
  onLookUp: () => Promise<void> = () => Promise.resolve();
  readonly settings: CallSettings = {
    decideWithin: 60_000,
    maxHold: 120_000,
    maxDuration: 3_600_000,
    whenNoTerminal: 480,
    whenUnknown: 404,
    whenNotInstructed: 480,
    answerEarly: false,
    music,
    announcements: {},
    allow: ['+', '1'],
    deny: ['+1900'],
    mayCallPhone: (uri) => uri.endsWith('@127.0.0.1:5099'),
    instructionsPerMinute: 5,
    phonesMayTransfer: 'ip-phones',
    maxNumbers: 5,
    maxCalls: 10_000,
  };
  readonly calls: Calls;
  #port = 5_000;

  constructor(settings: Partial<CallSettings> = {}) {
    Object.assign(this.settings, settings);
    this.calls = new Calls({
      node: 'node-1',
      settings: this.settings,
      numbering: { defaultCountry: 'CN', areaCode: '755' },
      clock: this.clock,
      log: keptLog(this.warnings, this.faults),
      media: this.media,
      records: this.records,
      metrics: {
        callState: () => undefined,
        callEnded: (reason) => void this.steps.push(`ended ${reason}`),
        step: (name) => void this.steps.push(name),
      },
      subscribers: {
        findByNumber: async (candidates) => {
          await this.onLookUp();
          const number = this.subscriber.numbers.find((known) =>
            candidates.some((c) => c === known.number || c === known.secondCalled),
          );
          return number && { subscriber: this.subscriber, number };
        },
      },
      terminals: {
        present: () =>
          this.present.map((terminalId) => ({
            terminalId,
            ...(terminalId === 'phone' && { ipPhone: 'sip:shop1@127.0.0.1:5099' }),
          })),
        incoming: (_account, call, received) => {
          this.told.push({ event: 'incoming', call });
          if (this.receive) queueMicrotask(() => this.present.forEach(received));
          return this.present;
        },
        changed: (_account, call) => void this.told.push({ event: 'changed', call }),
        ended: (_account, call) => void this.told.push({ event: 'ended', call }),
      },
      trunk: {
        trunkTo: () => 'ngn',
        reaches: (to) => to.startsWith('+') || to.startsWith('sip:'),
        dial: (request, events) => {
          const target = new FakeTarget(request, events, this.#port++);
          this.targets.push(target);
          return target;
        },
      },
    });
  }

  /** An INVITE arrives; everything that can run without time has run when this returns. */
  async arrive(
    firstCalled = subscriberNumber,
    {
      offers = true,
      awaitsOffer = false,
      connect = ['bridge'],
      from = callerNumber,
    }: { offers?: boolean; awaitsOffer?: boolean; connect?: [ConnectMode, ...ConnectMode[]]; from?: string } = {},
  ): Promise<{ caller: FakeCaller; id: string }> {
    const caller = new FakeCaller(offers, 4_000 + this.callers.length);
    this.callers.push(caller);
    caller.events = this.calls.incoming({
      trunk: 'ngn',
      connect,
      peer: '127.0.0.1',
      sipCallId: `call-${this.callers.length}`,
      reading: { ok: true, reading: readingOf({ caller: from, firstCalled }) },
      ...(offers && { sdp: caller.describe() }),
      ...(awaitsOffer && { awaitsOffer: true as const }),
      maxForwards: 70,
      leg: caller,
    });
    await settled();
    return { caller, id: [...this.records.records.keys()].at(-1) ?? '' };
  }

  transfer(id: string, to: string | [string, ...string[]] = '+8675520000009', more: Partial<Instruction> = {}) {
    return this.calls.transfer('shop1', this.instruction(id, to, more));
  }

  /** An instruction as it comes now; its password may yet have to be checked. */
  instruction(id: string, to: string | [string, ...string[]], more: Partial<Instruction> = {}): Instruction {
    const party = this.calls.partyOf('shop1', id);
    return {
      callId: id,
      ...(party !== undefined && { party }),
      to: typeof to === 'string' ? [to] : to,
      order: 'together',
      attended: false,
      terminalId: 'pc',
      mode: 'auto',
      ...more,
    };
  }

  /** A call that is connected with +8675520000009. */
  async connected(): Promise<{ caller: FakeCaller; id: string; target: FakeTarget }> {
    const { caller, id } = await this.arrive();
    await this.transfer(id);
    await settled();
    const { target } = this;
    target.answers();
    await settled();
    assert.equal(this.view(id).state, 'connected');
    return { caller, id, target };
  }

  /** The newest target; fails when none was called. */
  get target(): FakeTarget {
    const target = this.targets.at(-1);
    assert.ok(target, 'no target was called');
    return target;
  }

  record(id: string): CallRecord {
    const record = this.records.records.get(id);
    assert.ok(record, 'there is no record');
    return record;
  }

  /** What the terminals were told last of a call. */
  view(id: string): CallView {
    const last = this.told.filter(({ call }) => call.id === id).at(-1);
    assert.ok(last, 'the terminals were not told');
    return last.call;
  }

  /** What a phone hears: all that any session sends to it, at once. */
  hears(phone: FakePhone): Heard {
    if (this.media.mode === 'direct') return this.#hearsDirectly(phone);
    const at = this.media.at(phone.heard);
    const expected = at?.session.ports[at.side] === portOf(phone.heard ?? '') ? at.session : undefined;
    const heard = [...this.media.standing].flatMap((session) => {
      const sides = (['caller', 'target'] as const).filter((side) => portOf(session.known[side] ?? '') === phone.port);
      return sides.flatMap((side) => this.#soundOf(session, side, session === expected) ?? []);
    });
    return heard.length === 0 ? 'silence' : (heard.join(' and ') as Heard);
  }

  /** What a session sends to one side; `undefined`: nothing. */
  #soundOf(session: FakeSession, side: 'caller' | 'target', expected: boolean): Heard | undefined {
    const playing = session.playing[side];
    if (playing?.length === 0) return undefined;
    const whatever = expected ? '' : 'uncalled-for ';
    if (playing) return `${whatever}music ${playing.map(({ file }) => file).join(' ')}` as Heard;
    const opposite = side === 'caller' ? 'target' : 'caller';
    if ((session.playing[opposite]?.length ?? 0) > 0) return undefined; // neither hears the other while one hears a sound
    const other = session.known[opposite];
    const speaker = [...this.callers, ...this.targets].find(
      ({ port }) => other !== undefined && port === portOf(other),
    );
    if (speaker?.leg !== 'standing' || this.media.at(speaker.heard)?.session !== session) return undefined;
    if (/a=(sendonly|inactive)/.test(speaker.heard ?? '')) return undefined;
    return `${whatever}voice of ${speaker.name}` as Heard;
  }

  #hearsDirectly(phone: FakePhone): Heard {
    const speaker = [...this.callers, ...this.targets].find(
      ({ port }) => phone.heard !== undefined && port === portOf(phone.heard),
    );
    const sendsThere = speaker?.leg === 'standing' && portOf(speaker.heard ?? '') === phone.port;
    return sendsThere && !/a=(sendonly|inactive)/.test(speaker.heard ?? '') ? `voice of ${speaker.name}` : 'silence';
  }

  assertTalk(one: FakePhone, other: FakePhone): void {
    assert.deepEqual([this.hears(one), this.hears(other)], [`voice of ${other.name}`, `voice of ${one.name}`]);
  }

  /** Nothing is left of any call: no leg, no media, no timer; and each was answered and written once, in order. */
  assertNothingLeft(): void {
    assert.deepEqual(this.faults, [], 'no fault of ours was logged');
    assert.equal(this.calls.size, 0);
    assert.deepEqual(
      [...this.media.standing].map(({ name }) => name),
      [],
      'no media session is left',
    );
    assert.equal(this.clock.pendingTimers, 0, 'no timer is left');
    for (const caller of this.callers) {
      assert.equal(caller.leg, 'over');
      assert.ok(caller.finals.length <= 1, 'one final response');
    }
    for (const target of this.targets) assert.equal(target.leg, 'over', `${target.name} is over`);
    for (const record of this.records.records.values()) {
      assert.ok(record.end, 'every record has its end');
      assertTimesInOrder(record);
    }
    assert.deepEqual(this.records.closed, [...new Set(this.records.closed)], 'each record is closed once');
  }
}

/** Lets everything that needs no time run to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await settle();
}

export { settle };
