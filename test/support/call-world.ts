import assert from 'node:assert/strict';
import { Calls } from '../../src/call/calls.ts';
import type { CallSettings } from '../../src/call/call.ts';
import type { CallEnd } from '../../src/call/end.ts';
import type {
  CallerLeg,
  CallerLegEvents,
  Cause,
  Destination,
  DialRequest,
  InDialogAnswer,
  InDialogRequest,
  MediaPort,
  MediaRequest,
  MediaSession,
  RecordBook,
  ReferEvents,
  TargetLegEvents,
} from '../../src/call/ports.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { Subscriber } from '../../src/call/subscriber.ts';
import type { CallView } from '../../src/call/view.ts';
import { silentLog } from '../../src/shared/log.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { readingOf } from './reading.ts';

export const offer =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';
export const answerSdp = offer.replace('4000', '5000');
export const subscriberNumber = '+8675520000001';
export const callerNumber = '+8613800138000';

/** The caller leg as a wire would show it: what was sent, in order. */
export class FakeCaller implements CallerLeg {
  readonly sent: string[] = [];
  readonly asked: InDialogRequest[] = [];
  readonly referred: { to: Destination; events: ReferEvents }[] = [];
  events!: CallerLegEvents;
  /** What the caller's phone does with our 200. */
  onAnswer: () => Promise<{ sdp?: string }> = () => Promise.resolve({});
  onRequest: (request: InDialogRequest) => InDialogAnswer = () => ({ status: 200, body: answerSdp });

  progress(status: 180 | 181 | 183, sdp?: string): void {
    this.sent.push(sdp === undefined ? `${status}` : `${status} sdp`);
  }
  redirect(): Promise<void> {
    this.sent.push('302');
    return Promise.resolve();
  }
  refer(to: Destination, events: ReferEvents): void {
    this.referred.push({ to, events });
  }
  answer(sdp: string): Promise<{ sdp?: string }> {
    this.sent.push(`200 ${sdp.length > 0 ? 'sdp' : ''}`);
    return this.onAnswer();
  }
  reject(status: number): void {
    this.sent.push(`${status}`);
  }
  hangUp(): Promise<void> {
    this.sent.push('BYE');
    return Promise.resolve();
  }
  request(request: InDialogRequest): Promise<InDialogAnswer> {
    this.asked.push(request);
    return Promise.resolve(this.onRequest(request));
  }
}

export class FakeTarget {
  readonly request: DialRequest;
  readonly events: TargetLegEvents;
  readonly asked: InDialogRequest[] = [];
  hungUp: Cause | undefined;
  onRequest: (request: InDialogRequest) => InDialogAnswer = () => ({ status: 200, body: answerSdp });

  constructor(request: DialRequest, events: TargetLegEvents) {
    this.request = request;
    this.events = events;
  }
}

class FakeMedia implements MediaPort {
  readonly mode = 'rtpengine';
  readonly standing = new Set<string>();
  readonly released: string[] = [];
  onAnswer: () => Promise<void> = () => Promise.resolve();

  open({ callId, session: number }: MediaRequest): Promise<MediaSession> {
    const session = `${callId}-${number}`;
    this.standing.add(session);
    return Promise.resolve({
      engine: { session, engine: 'udp://127.0.0.1:2223' },
      offer: (_from, sdp) => Promise.resolve(sdp),
      answer: async (_from, sdp) => {
        await this.onAnswer();
        return sdp;
      },
      park: (sdp) => Promise.resolve(sdp ?? answerSdp),
      parked: () => Promise.resolve(),
      play: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      digits: () => Promise.resolve(),
      relocate: () => Promise.resolve({ caller: answerSdp, target: offer }),
      close: () => {
        this.standing.delete(session);
        return Promise.resolve();
      },
    });
  }
  release({ callId, sessions }: { callId: string; sessions: number }): Promise<void> {
    for (let session = 1; session <= sessions; session++) this.released.push(`${callId}-${session}`);
    return Promise.resolve();
  }
}

class MemoryRecords implements RecordBook {
  readonly records = new Map<string, CallRecord>();
  readonly closed: string[] = [];
  failing = false;

  async open(record: CallRecord): Promise<void> {
    await this.#fail();
    this.records.set(record.id, structuredClone(record));
  }
  async update(id: string, change: Partial<CallRecord>): Promise<void> {
    await this.#fail();
    const record = this.records.get(id);
    assert.ok(record, 'an update of a record that was not opened');
    Object.assign(record, structuredClone(change));
  }
  async close(id: string, end: CallEnd, change: Partial<CallRecord>): Promise<boolean> {
    await this.#fail();
    const record = this.records.get(id);
    assert.ok(record, 'the end of a record that was not opened');
    if (record.end) return false;
    Object.assign(record, structuredClone(change), { end });
    this.closed.push(id);
    return true;
  }
  standing(): Promise<CallRecord[]> {
    return Promise.resolve([...this.records.values()].filter((record) => !record.end));
  }
  #fail(): Promise<void> {
    return this.failing ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
  }
}

const subscriber: Subscriber = {
  account: 'shop1',
  numbers: [{ number: subscriberNumber, secondCalled: '+8675529990001' }],
  proof: 'session',
  createdAt: 0,
  updatedAt: 0,
};

/** A whole service around fakes: one subscriber `shop1`, whose terminals are in `present`. */
export class CallWorld {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia();
  readonly records = new MemoryRecords();
  readonly targets: FakeTarget[] = [];
  readonly told: { event: 'incoming' | 'changed' | 'ended'; call: CallView }[] = [];
  readonly steps: string[] = [];
  present = ['pc', 'phone'];
  receive = true;
  readonly settings: CallSettings = {
    decideWithin: 60_000,
    maxHold: 120_000,
    maxDuration: 3_600_000,
    whenNoTerminal: 480,
    whenUnknown: 404,
    whenNotInstructed: 480,
    allow: ['+', '1'],
    deny: ['+1900'],
    mayCallPhone: (uri) => uri.endsWith('@127.0.0.1:5099'),
    instructionsPerMinute: 5,
    answerEarly: false,
    announcements: {},
    maxCalls: 100,
  };
  readonly calls = new Calls({
    node: 'node-1',
    settings: this.settings,
    numbering: { defaultCountry: 'CN', areaCode: '755' },
    clock: this.clock,
    log: silentLog,
    media: this.media,
    records: this.records,
    metrics: {
      callState: () => undefined,
      callEnded: (reason) => void this.steps.push(`ended ${reason}`),
      step: (name) => void this.steps.push(name),
    },
    subscribers: {
      findByNumber: (candidates) => {
        const number = subscriber.numbers.find((known) =>
          candidates.some((c) => c === known.number || c === known.secondCalled),
        );
        return Promise.resolve(number && { subscriber, number });
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
        const target = new FakeTarget(request, events);
        this.targets.push(target);
        return {
          hangUp: (cause = {}) => {
            target.hungUp ??= cause;
            return Promise.resolve();
          },
          acknowledge: () => undefined,
          request: (asked) => {
            target.asked.push(asked);
            return Promise.resolve(target.onRequest(asked));
          },
        };
      },
    },
  });

  /** An INVITE arrives; everything that can run without time has run when this returns. */
  async arrive(firstCalled = subscriberNumber): Promise<{ caller: FakeCaller; id: string }> {
    const caller = new FakeCaller();
    caller.events = this.calls.incoming({
      trunk: 'ngn',
      connect: ['bridge'],
      peer: '127.0.0.1',
      sipCallId: `call-${Math.random()}`,
      reading: { ok: true, reading: readingOf({ caller: callerNumber, firstCalled }) },
      sdp: offer,
      maxForwards: 70,
      leg: caller,
    });
    await settle();
    await settle();
    return { caller, id: [...this.records.records.keys()].at(-1) ?? '' };
  }

  transfer(id: string, to = '+8675520000009', terminalId = 'pc', key?: string) {
    return this.calls.transfer('shop1', {
      callId: id,
      to: [to],
      order: 'together',
      attended: false,
      terminalId,
      mode: 'auto',
      ...(key !== undefined && { key }),
    });
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

  /** Nothing is left of any call: no leg, no media, no timer. */
  assertNothingLeft(): void {
    assert.equal(this.calls.size, 0);
    assert.equal(this.media.standing.size, 0);
    assert.equal(this.clock.pendingTimers, 0);
    assert.deepEqual(
      [...this.records.records.values()].filter((record) => !record.end),
      [],
    );
  }
}

export { settle };
