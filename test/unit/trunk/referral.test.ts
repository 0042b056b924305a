// A REFER of ours, followed to its end: what is told of answers, NOTIFYs and BYE, in any order, and when nothing comes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containedReferral, Referral } from '../../../src/trunk/referral.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { ReferEvents } from '../../../src/call/ports.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A REFER with CSeq 7, whose call may take 90 s. */
function refer(longest = 90_000) {
  const clock = new FakeClock();
  const told: string[] = [];
  const events: ReferEvents = {
    progress: ({ status }) => void told.push(`${status}`),
    transferred: () => void told.push('transferred'),
    refused: ({ status }) => void told.push(status === undefined ? 'refused' : `refused ${status}`),
    failed: ({ reason, q850 }) => void told.push(`${reason} ${q850}`),
    late: () => void told.push('late'),
  };
  const referral = new Referral(clock, events, longest);
  referral.sentAs(7);
  const notify = (body = '', { state = 'active', event = 'refer;id=7' } = {}): boolean => {
    const headers: Record<string, string> = { event, 'subscription-state': state };
    return referral.notified({ get: (name) => headers[name], has: (name) => name in headers, body });
  };
  /** Of the far side; what it hears, and what is told of it then. */
  const bye = (): void =>
    referral.hungUp((tell) => {
      told.push('left');
      tell();
    });
  return { clock, told, referral, notify, bye };
}

describe('a referral', () => {
  test('is accepted once, by its answer or by a NOTIFY before it', () => {
    const { told, referral, notify } = refer();
    assert.ok(referral.open);
    referral.answered({ status: 202 });
    referral.answered({ status: 202 });
    assert.ok(notify('SIP/2.0 100 Trying'));
    assert.deepEqual(told, ['202', '100']);
    const other = refer();
    other.notify('SIP/2.0 180 Ringing');
    other.referral.answered({ status: 200 });
    assert.deepEqual(other.told, ['202', '180']);
  });

  test('is answered with anything from 300 on: refused', () => {
    for (const [status, all] of [
      [299, ['299']],
      [300, ['refused 300']],
    ] as const) {
      const { told, referral } = refer();
      referral.answered({ status });
      assert.deepEqual([told, referral.open], [all, status === 299]);
    }
  });

  test('is told of by NOTIFYs of its own subscription only, by the CSeq of any of its REFERs', () => {
    const { referral, notify } = refer();
    referral.sentAs(8);
    for (const event of ['refer', 'Refer ; id = 8', 'refer;xid=9', 'refer;x=9;id=7', 'refer;id=9x', 'refer;id=x']) {
      assert.equal(notify('', { event }), true, event);
    }
    for (const event of ['presence;id=7', 'refer;id=9', 'refer;x;ID=6', 'refer;id=77', '', 'refers']) {
      assert.equal(notify('', { event }), false, event);
    }
  });

  test('is over with 2xx: nothing is told after it, and its NOTIFYs are still taken', async () => {
    const { clock, told, referral, notify, bye } = refer();
    referral.answered({ status: 202 });
    assert.ok(notify('SIP/2.0 299 Yes'));
    assert.ok(notify('SIP/2.0 486 Busy Here', { state: 'terminated;reason=noresource' }));
    assert.equal(notify('SIP/2.0 200 OK'), false, 'the subscription has ended');
    referral.answered({ status: 603 });
    assert.deepEqual([told, referral.open, clock.pendingTimers], [['202', 'transferred'], false, 0]);
    bye();
    await clock.advance(1_000_000);
    assert.deepEqual(told, ['202', 'transferred', 'left']);
  });

  for (const [status, outcome] of [
    [433, 'target-refused 21'],
    [480, 'target-no-answer 18'],
    [486, 'target-busy 17'],
    [487, 'target-no-answer 127'],
    [600, 'target-busy 17'],
    [603, 'target-refused 21'],
    [607, 'target-refused 21'],
    [608, 'target-refused 21'],
    [300, 'refused 300'],
    [404, 'refused 404'],
    [408, 'refused 408'],
    [503, 'refused 503'],
    [504, 'refused 504'],
  ] as const) {
    test(`that comes to ${status} is ${outcome}`, () => {
      const { told, referral, notify } = refer();
      referral.answered({ status: 202 });
      notify('SIP/2.0 179 Almost'); // rings nobody
      notify(`SIP/2.0 ${status} Why`);
      assert.deepEqual(told.slice(2), [outcome]);
    });
  }

  test('whose silence is that of somebody who was rung has failed by the number', () => {
    for (const [status, outcome] of [
      [408, 'target-no-answer 102'],
      [504, 'target-unreachable 102'],
      [503, 'refused 503'],
    ] as const) {
      const { told, referral, notify } = refer();
      referral.answered({ status: 202 });
      notify('SIP/2.0 180 Ringing');
      notify(`SIP/2.0 ${status} Why`);
      assert.deepEqual(told, ['202', '180', outcome]);
    }
  });

  test('whose subscription ends before an outcome is refused', () => {
    for (const state of ['terminated', ' Terminated;reason=timeout']) {
      const { told, notify } = refer();
      notify('SIP/2.0 100 Trying', { state });
      assert.deepEqual(told, ['202', '100', 'refused']);
    }
    const { told, notify } = refer();
    for (const state of ['active;terminated', 'terminatedly']) notify('', { state });
    assert.deepEqual(told, ['202']);
  });

  test('is given up without an answer in 10 s, a NOTIFY in 32 s, or an outcome in the time of a call', async () => {
    const unanswered = refer();
    await unanswered.clock.advance(9_999);
    assert.deepEqual(unanswered.told, []);
    await unanswered.clock.advance(1);
    assert.deepEqual([unanswered.told, unanswered.referral.open], [['refused'], false]);
    for (const [longest, notified, waits] of [
      [90_000, false, 32_000],
      [20_000, false, 20_000],
      [90_000, true, 90_000],
    ] as const) {
      const { clock, told, referral, notify } = refer(longest);
      referral.answered({ status: 202 });
      if (notified) notify();
      await clock.advance(waits - 1);
      assert.deepEqual(told, ['202']);
      await clock.advance(1);
      assert.deepEqual(told, ['202', 'refused']);
    }
  });

  test('begins its time with the first NOTIFY, and no other one', async () => {
    const { clock, told, referral, notify } = refer();
    notify(); // and its 202 behind it
    referral.answered({ status: 202 });
    await clock.advance(60_000);
    notify('SIP/2.0 180 Ringing');
    await clock.advance(29_999);
    assert.deepEqual(told, ['202', '180']);
    await clock.advance(1);
    assert.deepEqual(told, ['202', '180', 'refused']);
  });

  test('that goes on after it was given up is late, once, and its NOTIFYs are not taken', async () => {
    for (const goesOn of [
      ({ referral }: ReturnType<typeof refer>) => referral.answered({ status: 202 }),
      ({ notify }: ReturnType<typeof refer>) => assert.equal(notify('SIP/2.0 180 Ringing'), false),
    ]) {
      const late = refer();
      await late.clock.advance(10_000);
      goesOn(late);
      assert.deepEqual([late.told, late.referral.open], [['refused', 'late'], false]);
      late.referral.answered({ status: 202 });
      assert.equal(late.notify('SIP/2.0 200 OK'), false);
      assert.deepEqual(late.told, ['refused', 'late']);
    }
    const refused = refer();
    await refused.clock.advance(10_000);
    refused.referral.answered({ status: 300 });
    assert.deepEqual(refused.told, ['refused']);
  });

  test('waits a second for what explains a BYE, and takes it for a success', async () => {
    const { clock, told, referral, notify, bye } = refer();
    referral.answered({ status: 202 });
    bye();
    notify('SIP/2.0 180 Ringing'); // the first one, which explains nothing
    await clock.advance(999);
    assert.deepEqual(told, ['202']);
    await clock.advance(1);
    assert.deepEqual(told, ['202', 'left', 'transferred']);
  });

  test('explains a BYE: a success is told before the end, a caller who hung up is not', () => {
    for (const [status, all] of [
      [200, ['202', 'left', 'transferred']],
      [487, ['202', 'left']],
      [503, ['202', 'left']],
    ] as const) {
      const { clock, told, referral, notify, bye } = refer();
      referral.answered({ status: 202 });
      bye();
      assert.ok(notify('SIP/2.0 180 Ringing'), 'tells nothing of it');
      notify(`SIP/2.0 ${status} Why`);
      assert.deepEqual([told, clock.pendingTimers], [all, 0]);
    }
  });

  test('before whose answer the far side hangs up comes to nothing, at once', () => {
    const { clock, told, referral, bye } = refer();
    bye();
    referral.answered({ status: 202 });
    assert.deepEqual([told, clock.pendingTimers], [['left'], 0]);
  });

  test('is told of through what contains a fault of whoever is told', () => {
    const fault = () => {
      throw new Error('no');
    };
    const calls: string[] = [];
    const events: ReferEvents = {
      progress: ({ status }) => void calls.push(`${status}`),
      transferred: fault,
      refused: (refusal) => void calls.push(`refused ${refusal.status}`),
      failed: (failure) => void calls.push(failure.reason),
      late: () => void calls.push('late'),
    };
    const contained = containedReferral(silentLog, events);
    contained.progress({ status: 202 });
    contained.transferred();
    contained.refused({ status: 403 });
    contained.failed({ reason: 'target-busy' });
    contained.late();
    assert.deepEqual(calls, ['202', 'refused 403', 'target-busy', 'late']);
  });
});
