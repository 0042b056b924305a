// Whole calls on fakes, in random orders and with random faults: whatever happens, nothing is left of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { InDialogAnswer } from '../../src/call/ports.ts';
import { Failure } from '../../src/shared/errors.ts';
import type { CallView } from '../../src/call/view.ts';
import type { FakeCaller } from '../support/call/caller.ts';
import type { FakeTarget } from '../support/call/target.ts';
import { CallWorld, settled } from '../support/call-world.ts';

const callsInAll = Number(process.env['CALL_RANDOM_CALLS'] ?? 2_000);
const callsAtOnce = 5;

interface Played {
  caller: FakeCaller;
  id: string;
}

/** One of several things that may happen; `undefined` where it is not possible now. */
type Action = () => unknown;

const numbers = ['+8675520000007', '+8675520000008', '+8675520000009'] as const;

/** What phones, terminals and network may do to a call now. */
function actions(world: CallWorld, { caller, id }: Played): Action[] {
  const targets = world.targets.filter(({ dialled, leg }) => dialled.callId === id && leg !== 'over');
  const offer = (phone: FakeCaller | FakeTarget, direction?: string) => ({
    method: phone.leg === 'standing' ? 'INVITE' : 'UPDATE',
    ...{ contentType: 'application/sdp', body: phone.describe(direction) },
  });
  return [
    ...numbers.map((number) => () => world.transfer(id, number)),
    () => world.transfer(id, [...numbers]),
    () => world.transfer(id, [...numbers], { order: 'in-turn' }),
    () => world.transfer(id, undefined, { mode: 'refer' }),
    () => world.transfer(id, undefined, { mode: 'redirect' }),
    () => world.transfer(id, numbers[0], { attended: true }),
    () => world.transfer(id, numbers[1], { attended: true, mode: 'refer' }),
    () => world.calls.hold('shop1', id),
    () => world.calls.resume('shop1', id, 'pc'),
    () => world.calls.complete('shop1', id, 'pc'),
    () => world.calls.digits('shop1', id, 'pc', '1#'),
    () => caller.asks(offer(caller, 'sendonly')),
    () => caller.asks(offer(caller, 'inactive')),
    () => caller.asks(offer(caller)),
    ...targets.flatMap((target) => [
      () => target.rings(),
      () => target.rings(183, target.describe()),
      () => target.rings(183, target.describe(), 'b'),
      () => target.answers(),
      () => target.answers(target.describe(), 'b'),
      () => target.asks(offer(target, 'sendonly')),
      () => target.asks(offer(target, 'inactive')),
      () => target.asks(offer(target)),
      ...(target.leg === 'standing' ? [() => target.refers(`tel:${numbers[2]}`)] : []),
      ...(target.leg === 'standing' ? [() => target.refers('sip:thief@192.0.2.66')] : []),
    ]),
    ...caller.referred
      .splice(0)
      .flatMap(({ events }) => [
        () => events.transferred(),
        () => events.refused({ status: 403 }),
        () => events.failed({ reason: 'target-busy', status: 486 }),
      ]),
    () => world.clock.advance(1_000),
  ];
}

/** What ends things. */
function endings(world: CallWorld, { caller, id }: Played): Action[] {
  const targets = world.targets.filter(({ dialled, leg }) => dialled.callId === id && leg !== 'over');
  return [
    () => caller.cancels({ sip: 200 }),
    () => caller.cancels(),
    () => caller.hangsUp({ q850: 16 }),
    () => caller.hangsUp({}, true),
    () => world.calls.decline('shop1', id, 'phone'),
    () => world.calls.hangUp('shop1', id, 'phone'),
    ...targets.flatMap((target) => [
      () => target.fails(),
      () => target.fails({ reason: 'target-unreachable', status: 503 }),
      () => target.hangsUp({ q850: 16 }),
      () => target.hangsUp({}, true),
    ]),
    () => world.clock.advance(61_000),
  ];
}

const late = (world: CallWorld, milliseconds: number) =>
  new Promise<void>((resolve) => world.clock.after(milliseconds, resolve));

/** What goes wrong, or comes late: each lasts until the next. */
function faults(world: CallWorld, { caller, id }: Played): Action[] {
  const phones = [caller, ...world.targets.filter(({ dialled }) => dialled.callId === id)];
  const media = (fault: () => Promise<void>) => () => void (world.media.onAsk = fault);
  const phone = (answer: () => InDialogAnswer | Promise<InDialogAnswer>) => () => {
    for (const each of phones) each.onRequest = answer;
  };
  const well = () => {
    world.media.onAsk = () => Promise.resolve();
    world.records.failing = false;
    world.records.onWrite = () => Promise.resolve();
    for (const each of phones) each.onRequest = undefined;
  };
  return [
    ...[well, well, well],
    media(() => Promise.reject(new Failure('no-media', 'the engine is full'))),
    media(() => late(world, 1_000)),
    media(() => late(world, 7_000)),
    phone(() => ({ status: 491 })),
    phone(() => ({ status: 488 })),
    phone(() => late(world, 60_000).then(() => ({ status: 500 }))),
    () => void (caller.onAnswer = () => Promise.reject(new Error('no ACK'))),
    () => void (caller.onAnswer = () => late(world, 2_000)),
    () => void (caller.onRedirect = () => Promise.reject(new Error('no number can be written'))),
    () => void (world.records.failing = true),
    () => void (world.records.onWrite = () => late(world, 4_000)),
    () => [...world.media.standing][0]?.dies(),
    () => [...world.media.standing][0]?.events.silent('caller'),
  ];
}

function pick<T>(choice: number, from: readonly T[]): T | undefined {
  return from[choice % from.length];
}

/** The terminals' last news of a call is what the call is. */
function assertToldTruly(world: CallWorld): void {
  for (const view of world.calls.callsOf('shop1')) {
    const last: CallView | undefined = world.told.findLast(({ call }) => call.id === view.id)?.call;
    assert.deepEqual(last, view);
  }
}

/** Everybody who stands hears somebody, or music; and nobody hears whom they should not. */
function assertHeard(world: CallWorld, { caller, id }: Played): void {
  const view = world.calls.callsOf('shop1').find((call) => call.id === id);
  if (!view || caller.leg !== 'standing' || caller.holding) return;
  const heard = world.hears(caller);
  const stands = world.targets.find(
    ({ dialled, leg }) => dialled.callId === id && leg === 'standing' && dialled.to === view.target?.to,
  );
  if (view.state === 'connected') {
    assert.ok(stands, 'somebody is there');
    world.assertTalk(caller, stands);
  } else if (view.state === 'waiting' || view.state === 'connecting') assert.match(heard, /^music/, view.state);
  else if (view.state === 'moving') assert.notEqual(heard, 'silence');
}

async function play(choices: readonly (readonly [number, number, number])[], faulty: boolean): Promise<CallWorld> {
  const world = new CallWorld({ instructionsPerMinute: 1_000, phonesMayTransfer: 'all' });
  const calls: Played[] = [];
  for (const [index, [which, kind, choice]] of choices.entries()) {
    if (calls.length < callsAtOnce && index % 3 === 0) {
      world.settings.answerEarly = choice % 2 === 0;
      calls.push(await world.arrive(undefined, { offers: choice % 5 !== 0, awaitsOffer: choice % 10 === 0 }));
      await settled();
    }
    const call = pick(which, calls);
    if (!call) continue;
    const roll = kind % 20;
    world.records.failing = false; // a store that stays away has its records in the log
    const action = roll < 2 ? endings : faulty && roll < 7 ? faults : actions;
    pick(choice, action(world, call))?.();
    if (kind % 3 > 0 || !faulty) await settled();
    assertToldTruly(world);
    if (!faulty) for (const played of calls) assertHeard(world, played);
  }
  return world;
}

/** Everybody goes home, and the store is well again. */
async function over(world: CallWorld): Promise<void> {
  world.media.onAsk = () => Promise.resolve();
  world.records.failing = false;
  world.records.onWrite = () => Promise.resolve();
  // Who stops a service whose store was away for long finds records in the log, which a fault would be here
  if (world.warnings.some(([, line]) => /in 60000 ms/.test(String(line)))) await world.clock.advance(60_000);
  const drained = world.calls.drain(0);
  await world.clock.advance(300_000);
  await drained;
  world.assertNothingLeft();
  for (const { referrals, hungUp } of world.targets) {
    for (const told of referrals) {
      assert.match(told.join(' '), /^(?:[3-6]\d\d|202 100(?: 18\d)*(?: [2-6]\d\d)?)$/);
      const last = told.at(-1) ?? 0;
      if (hungUp) assert.ok(last >= 200, 'whoever we hang up has heard the outcome first');
    }
  }
  for (const record of world.records.records.values()) {
    const ended = world.told.filter(({ call, event }) => event === 'ended' && call.id === record.id);
    assert.equal(ended.length, record.notifiedAt === undefined ? 0 : 1, 'the terminals are told of the end once');
  }
}

const step = fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000));

describe('calls in random orders', () => {
  for (const faulty of [false, true]) {
    test(faulty ? 'with random faults' : 'without faults: everybody hears somebody or music', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 90 }), async (choices) => {
          await over(await play(choices, faulty));
        }),
        { numRuns: Math.ceil(callsInAll / callsAtOnce / 2) },
      );
    });
  }
});
