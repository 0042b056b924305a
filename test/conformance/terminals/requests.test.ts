import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Socket } from 'socket.io-client';
import type { CallAnswer } from '../../../src/call/ports.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { Answer } from '../../../src/terminals/events.ts';
import { waitingCall } from '../../support/fake-calls.ts';
import { soon, TerminalService } from '../../support/terminal-service.ts';

let service: TerminalService;
beforeEach(async () => {
  service = await TerminalService.start();
  await service.addSubscriber('shop1', 'right horse');
});
afterEach(() => service.stop());

const connect = (id = 't1', account = 'shop1') => service.connect(account, 'right horse', { id });
const codeOf = (answer: Answer) => (answer.ok ? 'ok' : answer.error.code);
const transfers = () => service.calls.asked.filter(({ what }) => what === 'transfer');

describe('call:transfer', () => {
  test('what the terminal said reaches the calls as it was typed, and their answer comes back', async () => {
    const { socket } = await connect();
    const call = waitingCall('c1', { state: 'connecting' });
    service.calls.answer = () => ({ ok: true, call });
    const request = { callId: 'c1', to: '0755-2000 0009', mode: 'bridge', key: 'k1' } as const;
    assert.deepEqual(await socket.emitWithAck('call:transfer', request), { ok: true, call });
    assert.deepEqual(transfers(), [
      {
        what: 'transfer',
        account: 'shop1',
        instruction: {
          callId: 'c1',
          terminalId: 't1',
          to: ['0755-2000 0009'],
          order: 'together',
          mode: 'bridge',
          attended: false,
          key: 'k1',
        },
      },
    ]);
  });

  test('mode is auto when nothing was said; a list of one number is that number', async () => {
    const { socket } = await connect();
    await socket.emitWithAck('call:transfer', { callId: 'c1', to: ['terminal'] });
    const [asked] = transfers();
    assert.ok(asked?.what === 'transfer');
    assert.deepEqual(asked.instruction, {
      callId: 'c1',
      terminalId: 't1',
      to: ['terminal'],
      order: 'together',
      mode: 'auto',
      attended: false,
    });
  });

  test('several numbers go on in their order, to ring together or in turn', async () => {
    const { socket } = await connect();
    const to = ['13800138000', 'terminal', 'sip:desk@example.com'] as const;
    for (const [given, expected] of [
      [{ to }, 'together'],
      [{ to, order: 'together' }, 'together'],
      [{ to, order: 'in-turn' }, 'in-turn'],
    ] as const) {
      assert.ok((await socket.emitWithAck('call:transfer', { callId: 'c1', ...given })).ok);
      const asked = transfers().at(-1);
      assert.ok(asked?.what === 'transfer');
      assert.deepEqual([asked.instruction.to, asked.instruction.order], [to, expected]);
    }
  });

  test('a list is of 1 to 20 numbers, and an order one of two words', async () => {
    const { socket } = await connect();
    const untyped: Socket = socket;
    const lists = [{ to: [] }, { to: [' '] }, { to: ['1', 2] }, { to: Array<string>(21).fill('1') }];
    for (const wrong of [...lists, { to: '1', order: 'random' }]) {
      const answer = (await untyped.emitWithAck('call:transfer', { callId: 'c1', ...wrong })) as Answer;
      assert.equal(codeOf(answer), 'malformed', JSON.stringify(wrong));
    }
    assert.deepEqual(transfers(), []);
    assert.ok((await socket.emitWithAck('call:transfer', { callId: 'c1', to: Array<string>(20).fill('1') })).ok);
  });

  test('the new party is talked to first only where the terminal says so', async () => {
    const { socket } = await connect();
    const call = waitingCall('c1', {
      state: 'moving',
      target: { to: '+8675520000009', by: 't1', mode: 'bridge', attempt: 1, state: 'connected' },
      move: { to: '+8613900139000', by: 't1', mode: 'bridge', attempt: 2, state: 'connecting', attended: true },
    });
    service.calls.answer = () => ({ ok: true, call });
    for (const attended of [true, false]) {
      const answer = await socket.emitWithAck('call:transfer', { callId: 'c1', to: '13900139000', attended });
      assert.deepEqual(answer, { ok: true, call });
      const asked = transfers().at(-1);
      assert.equal(asked?.what === 'transfer' && asked.instruction.attended, attended);
    }
    const untyped: Socket = socket;
    const wrong = { callId: 'c1', to: '13900139000', attended: 'yes' };
    assert.equal(codeOf((await untyped.emitWithAck('call:transfer', wrong)) as Answer), 'malformed');
  });

  test('a refusal of the calls comes back whole', async () => {
    const { socket } = await connect();
    const refusal: CallAnswer = { ok: false, error: { code: 'already-taken', message: 'Taken.', by: 't2' } };
    service.calls.answer = () => refusal;
    assert.deepEqual(await socket.emitWithAck('call:transfer', { callId: 'c1', to: '110' }), refusal);
  });

  for (const proof of ['password', 'pin'] as const) {
    test(`an account that demands its ${proof}`, async () => {
      const numbers = [{ number: '+8675520000002' }];
      await service.addSubscriber('strict', 'right horse', { numbers, proof, pin: '4711' });
      const { socket } = await connect('t1', 'strict');
      const right = proof === 'pin' ? '4711' : 'right horse';
      const without = await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1' });
      assert.ok(!without.ok);
      assert.deepEqual([without.error.code, without.error.needs], ['password-needed', proof]);
      const wrong = await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', [proof]: 'wrong' });
      assert.equal(codeOf(wrong), 'bad-password');
      assert.deepEqual(transfers(), []);
      assert.ok((await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', [proof]: right })).ok);
      assert.equal(transfers().length, 1);
      assert.ok(!JSON.stringify(service.calls.asked).includes(right), 'the secret goes no further than the gateway');
    });
  }

  test('a password or PIN that is given is checked although none is demanded', async () => {
    const { socket } = await connect();
    for (const given of [{ password: 'wrong' }, { pin: '4711' }, { password: 'right horse', pin: '4711' }]) {
      assert.equal(
        codeOf(await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', ...given })),
        'bad-password',
      );
    }
    assert.ok((await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', password: 'right horse' })).ok);
  });
});

describe('the idempotency key', () => {
  test('a repetition gets the first answer, also while the first is being worked out, from any terminal', async () => {
    const { socket } = await connect('t1');
    const { socket: other } = await connect('t2');
    const call = waitingCall('c1', { state: 'connecting' });
    let release: (answer: CallAnswer) => void = () => undefined;
    service.calls.answer = () => new Promise((resolve) => (release = resolve));
    const request = { callId: 'c1', to: '13800138000', password: 'right horse', key: 'k1' };
    const first = socket.emitWithAck('call:transfer', request);
    const meanwhile = socket.emitWithAck('call:transfer', request);
    const elsewhere = other.emitWithAck('call:transfer', request);
    await soon(
      'the transfer',
      service.calls.once(({ what }) => what === 'transfer'),
    );
    release({ ok: true, call });
    const answers = await soon('the answers', Promise.all([first, meanwhile, elsewhere]));
    const later = await socket.emitWithAck('call:transfer', request);
    for (const answer of [...answers, later]) assert.deepEqual(answer, { ok: true, call });
    assert.equal(transfers().length, 1);
  });

  test('a wrong password that is repeated counts once', async () => {
    const { socket } = await connect();
    for (let count = 0; count < 12; count++) {
      const request = { callId: 'c1', to: '1', password: 'wrong', key: 'same' };
      assert.equal(codeOf(await socket.emitWithAck('call:transfer', request)), 'bad-password');
    }
    const right = { callId: 'c1', to: '1', password: 'right horse', key: 'other' };
    assert.ok((await socket.emitWithAck('call:transfer', right)).ok);
  });

  test('another call, another account and another key are other instructions', async () => {
    await service.addSubscriber('shop2', 'right horse', { numbers: [{ number: '+8675520000002' }] });
    const { socket } = await connect();
    const { socket: stranger } = await connect('t1', 'shop2');
    await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', key: 'k1' });
    await socket.emitWithAck('call:transfer', { callId: 'c2', to: '1', key: 'k1' });
    await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', key: 'k2' });
    await stranger.emitWithAck('call:transfer', { callId: 'c1', to: '1', key: 'k1' });
    assert.equal(transfers().length, 4);
  });
});

describe('the other requests', () => {
  for (const [event, what] of [
    ['call:decline', 'decline'],
    ['call:hangup', 'hangUp'],
    ['call:hold', 'hold'],
    ['call:resume', 'resume'],
    ['call:complete', 'complete'],
  ] as const) {
    test(event, async () => {
      const { socket } = await connect();
      const call = waitingCall('c1', { state: 'held' });
      service.calls.answer = () => ({ ok: true, call });
      assert.deepEqual(await socket.emitWithAck(event, { callId: 'c1' }), { ok: true, call });
      assert.deepEqual(service.calls.asked.at(-1), { what, account: 'shop1', callId: 'c1', terminalId: 't1' });
    });
  }

  test('call:digits', async () => {
    const { socket } = await connect();
    await socket.emitWithAck('call:digits', { callId: 'c1', digits: '12#d' });
    const expected = { what: 'digits', account: 'shop1', callId: 'c1', terminalId: 't1', digits: '12#D' };
    assert.deepEqual(service.calls.asked.at(-1), expected);
  });

  test('history:list gives the account’s calls, newest first, page by page', async () => {
    const start = Date.UTC(2026, 0, 1);
    for (const [index, minute] of [0, 1, 2, 2, 3].entries()) {
      await service.store.records.open(record(`c${index}`, 'shop1', start + minute * 60_000));
      const end = {
        reason: 'answered-elsewhere',
        by: 'caller',
        at: start + minute * 60_000 + 5_000,
        status: 487,
      } as const;
      await service.store.records.close(`c${index}`, end, {});
    }
    await service.store.records.open(record('foreign', 'shop2', start));
    await service.store.records.open(record('now', 'shop1', start + 600_000));
    service.calls.standing.set('shop1', [waitingCall('now', { state: 'held' })]);
    const { socket } = await connect();
    const first = await socket.emitWithAck('history:list', { limit: 2 });
    assert.ok(first.ok);
    assert.deepEqual(
      first.calls.map(({ id, state }) => [id, state]),
      [
        ['now', 'held'],
        ['c4', 'ended'],
      ],
    );
    assert.equal(first.more, true);
    assert.deepEqual(first.calls[1]?.end, {
      reason: 'answered-elsewhere',
      at: '2026-01-01T00:03:05.000Z',
      status: 487,
    });
    const before = first.calls.at(-1)?.arrivedAt ?? '';
    const second = await socket.emitWithAck('history:list', { limit: 1, before });
    assert.ok(second.ok);
    assert.deepEqual(second.calls.map(({ id }) => id).sort(), ['c2', 'c3'], 'the two of one millisecond stay together');
    const third = await socket.emitWithAck('history:list', { before: second.calls.at(-1)?.arrivedAt ?? '' });
    assert.ok(third.ok);
    assert.deepEqual([third.calls.map(({ id }) => id), third.more], [['c1', 'c0'], false]);
  });

  test('history tells of a moved call whom it was last connected with', async () => {
    const start = Date.UTC(2026, 0, 1);
    const attempt = (number: number, times: { answeredAt?: number; endedAt?: number }) => ({
      ...{
        attempt: number,
        to: `+86139001390${number}0`,
        by: 't1',
        mode: 'bridge' as const,
        startedAt: start + number,
      },
      ...times,
    });
    const attempts = [
      { ...attempt(1, { endedAt: start + 1 }), cause: { reason: 'target-busy' as const } },
      attempt(2, { answeredAt: start + 2 }),
      // That one was only asked: the caller was not connected with it
      { ...attempt(3, { answeredAt: start + 3, endedAt: start + 4 }), move: 'attended' as const },
    ];
    const moved = { answeredAt: start + 2, finalCalled: '+8613900139020', attempts };
    await service.store.records.open({ ...record('moved', 'shop1', start), ...moved });
    const { socket } = await connect();
    const page = await socket.emitWithAck('history:list', {});
    assert.ok(page.ok);
    const target = { to: '+8613900139020', by: 't1', mode: 'bridge', attempt: 2, state: 'connected' };
    assert.deepEqual(page.calls[0]?.target, target);
  });
});

function record(id: string, account: string, arrivedAt: number): CallRecord {
  return {
    id,
    node: 'n1',
    trunk: 'ngn',
    sipCallId: `${id}@caller`,
    account,
    caller: '+8613800138000',
    callerWithheld: false,
    firstCalled: '+8675520000001',
    firstCalledSource: 'Diversion',
    secondCalled: null,
    notified: [],
    attempts: [],
    arrivedAt,
    media: [],
  };
}
