import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Socket } from 'socket.io-client';
import type { Answer } from '../../../src/terminals/events.ts';
import { disconnection, next, soon, TerminalService } from '../../support/terminal-service.ts';
import type { TerminalSocket } from '../../support/terminal-service.ts';

const window = 900_000;
const lockFor = 300_000;
let service: TerminalService;
beforeEach(async () => {
  service = await TerminalService.start({
    trustProxy: true,
    loginFailures: { perAccount: 4, perAddress: 8, window, lockFor },
  });
  await service.addSubscriber('shop1', 'right horse', { pin: '4711' });
});
afterEach(() => service.stop());

const connect = (id = 't1') => service.connect('shop1', 'right horse', { id });
const refuse = (account: string, ip = '203.0.113.1') =>
  service.refusal({ account, password: 'wrong', terminal: { id: 't9' } }, { 'x-forwarded-for': ip });
/** Sends whatever a broken or hostile client might. */
const emit = (socket: Socket, event: string, ...args: unknown[]): Promise<unknown> =>
  soon(`the answer to ${event}`, new Promise((resolve) => socket.emit(event, ...args, resolve)));
const raw = (socket: TerminalSocket): Socket => socket;
const codeOf = (answer: Answer) => (answer.ok ? 'ok' : answer.error.code);

describe('guessing passwords', () => {
  test('an account is locked after its failures, whether it exists or not, by name or by number', async () => {
    for (const names of [
      ['shop1', '+8675520000001', '0755 2000 0001', 'SHOP1'],
      ['ghost', 'ghost', 'ghost', 'ghost'],
    ]) {
      for (const [index, name] of names.entries()) {
        assert.equal((await refuse(name, `203.0.113.${index}`)).code, 'bad-credentials');
      }
      const refusal = await refuse(names[0] ?? '', '203.0.113.99');
      assert.deepEqual([refusal.code, refusal.retryAfter], ['locked', lockFor / 1000]);
    }
  });

  test('failures slow the next attempt, more each time', async () => {
    for (let attempt = 0; attempt < 4; attempt++) await refuse('shop1');
    assert.deepEqual(service.clock.waits, [250, 500]);
  });

  test('the right password is refused while locked and welcome afterwards; sessions and tokens go on', async () => {
    const { socket, session } = await connect('owner');
    for (let attempt = 0; attempt < 4; attempt++) await refuse('shop1');
    const login = { account: 'shop1', password: 'right horse', terminal: { id: 't2' } };
    assert.equal((await service.refusal(login)).code, 'locked');
    assert.ok((await socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', password: 'right horse' })).ok);
    socket.disconnect();
    assert.ok('session' in (await service.login({ token: session.token, terminal: { id: 'owner' } })));
    await service.clock.advance(lockFor);
    assert.ok('session' in (await service.login(login)));
  });

  test('attempts at the same moment are no way around the lock', async () => {
    const attempts = Array.from({ length: 30 }, (_, index) => refuse('shop1', `203.0.113.${index}`));
    const codes = (await Promise.all(attempts)).map(({ code }) => code);
    assert.equal(codes.filter((code) => code === 'bad-credentials').length, 4);
    assert.equal(codes.filter((code) => code === 'locked').length, 26);
  });

  test('an address is locked whichever accounts it tries; others are not', async () => {
    for (let attempt = 0; attempt < 8; attempt++) await refuse(`ghost${attempt}`);
    assert.equal((await refuse('ghost99')).code, 'locked');
    assert.equal((await refuse('ghost99', '203.0.113.2')).code, 'bad-credentials');
  });

  test('PINs and passwords of instructions are guarded in the same way, apart from the logins', async () => {
    const { socket } = await connect();
    const guess = (given: object) => socket.emitWithAck('call:transfer', { callId: 'c1', to: '1', ...given });
    for (let attempt = 0; attempt < 4; attempt++) {
      assert.equal(codeOf(await guess({ pin: `000${attempt}` })), 'bad-password');
      // Knowing the password does not buy more guesses of the PIN.
      assert.equal(codeOf(await guess({ password: 'right horse' })), 'ok');
    }
    const answer = await guess({ pin: '4711' });
    assert.ok(!answer.ok);
    assert.deepEqual([answer.error.code, answer.error.retryAfter], ['locked', lockFor / 1000]);
    await connect('t2');
  });
});

describe('payloads of any kind', () => {
  const events = [
    'call:transfer',
    'call:decline',
    'call:hangup',
    'call:hold',
    'call:resume',
    'call:digits',
    'history:list',
  ] as const;

  test('whatever is sent gets an answer, and the next terminal is not disturbed', { timeout: 60_000 }, async () => {
    const { socket } = await connect('t1');
    const { socket: neighbour } = await connect('t2');
    const oddities = fc.constantFrom<unknown>(
      JSON.parse('{"__proto__":{"callId":"c1"},"to":"1"}'),
      { callId: { $ne: null }, to: '1' },
      { callId: 'c1', to: [] },
      { callId: 'c1', to: '1', mode: 'constructor' },
      { callId: 'c1', to: '1', key: ['k'] },
      { callId: 'c1', digits: '1'.repeat(33) },
      { before: 'yesterday', limit: 1e9 },
      { limit: -1 },
      Buffer.from('binary'),
      null,
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...events), fc.oneof(fc.jsonValue(), oddities), async (event, payload) => {
        const answer = await emit(raw(socket), event, payload);
        assert.ok(isAnswer(answer), JSON.stringify(answer));
        if (!answer.ok) assert.ok(['malformed', 'not-allowed'].includes(answer.error.code), answer.error.code);
        await service.clock.advance(100);
      }),
      { numRuns: 300 },
    );
    assert.equal(Object.hasOwn(Object.prototype, 'callId'), false);
    assert.ok(neighbour.connected && socket.connected);
    assert.ok((await neighbour.emitWithAck('history:list', {})).ok);
    assert.equal(service.terminals.counters().faults, 0);
  });

  test('malformed requests never reach the calls', async () => {
    const { socket } = await connect();
    const asked = service.calls.asked.length;
    for (const event of events.slice(0, 6)) {
      const answer = await emit(raw(socket), event, { callId: 5 });
      assert.ok(isAnswer(answer) && codeOf(answer) === 'malformed');
    }
    assert.equal(service.calls.asked.length, asked);
  });

  test('names of events that mean something to Node or Socket.IO are unknown requests', async () => {
    const { socket } = await connect();
    for (const event of ['error', 'constructor', '__proto__', 'toString', 'session:ended', 'no:such']) {
      const answer = await emit(raw(socket), event, {});
      assert.ok(isAnswer(answer) && codeOf(answer) === 'malformed', event);
    }
    assert.ok(socket.connected);
  });

  test('too many arguments are malformed; a missing payload is where one is needed', async () => {
    const { socket } = await connect();
    for (const args of [[{ callId: 'c1' }, { callId: 'c1' }], []]) {
      const answer = await emit(raw(socket), 'call:decline', ...args);
      assert.ok(isAnswer(answer) && codeOf(answer) === 'malformed');
    }
    const answer = await emit(raw(socket), 'history:list');
    assert.ok(isAnswer(answer) && answer.ok);
  });

  test('an event without an acknowledgement is ignored and counted', async () => {
    const { socket } = await connect();
    const asked = service.calls.asked.length;
    raw(socket).emit('call:decline', { callId: 'c1' });
    await socket.emitWithAck('history:list', {});
    assert.equal(service.terminals.counters().unacknowledgeable, 1);
    assert.equal(service.calls.asked.length, asked);
  });

  test('a huge payload ends its own connection only', async () => {
    const { socket } = await connect('t1');
    const { socket: neighbour } = await connect('t2');
    const gone = disconnection(socket);
    raw(socket).emit('call:decline', { callId: 'x'.repeat(70_000) });
    await gone;
    assert.ok((await neighbour.emitWithAck('history:list', {})).ok);
  });
});

describe('faults and floods', () => {
  test('a handler that throws or rejects answers `internal`', async () => {
    const { socket } = await connect();
    service.calls.answer = () => {
      throw new Error('fault of the test');
    };
    assert.equal(codeOf(await socket.emitWithAck('call:hold', { callId: 'c1' })), 'internal');
    service.calls.answer = () => Promise.reject(new TypeError('fault of the test'));
    const answer = await socket.emitWithAck('call:hangup', { callId: 'c1' });
    assert.ok(!answer.ok);
    assert.equal(answer.error.code, 'internal');
    assert.doesNotMatch(answer.error.message, /fault of the test/);
    assert.equal(service.terminals.counters().faults, 2);
    assert.ok(socket.connected);
  });

  test('too many events are refused for a second; a flood is disconnected, and nobody else', async () => {
    const { socket } = await connect('t1');
    const { socket: neighbour } = await connect('t2');
    const burst = await Promise.all(Array.from({ length: 60 }, () => socket.emitWithAck('history:list', { limit: 1 })));
    const refused = burst.filter((answer) => codeOf(answer) === 'unavailable');
    assert.equal(refused.length, 10);
    assert.ok(refused.every((answer) => !answer.ok && answer.error.retryAfter === 1));
    await service.clock.advance(1_000);
    assert.ok((await socket.emitWithAck('history:list', {})).ok);
    const ended = next(socket, 'session:ended');
    for (let count = 0; count < 600; count++) raw(socket).emit('call:decline', {});
    assert.deepEqual(await ended, { reason: 'flooding' });
    assert.ok((await neighbour.emitWithAck('history:list', {})).ok);
  });
});

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false;
  if (value.ok === true) return true;
  return 'error' in value && typeof value.error === 'object' && value.error !== null && 'code' in value.error;
}
