import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Socket } from 'socket.io-client';
import { waitingCall } from '../../support/fake-calls.ts';
import { disconnection, next, soon, TerminalService } from '../../support/terminal-service.ts';
import type { TerminalSocket } from '../../support/terminal-service.ts';

let service: TerminalService;
beforeEach(async () => {
  service = await TerminalService.start();
  await service.addSubscriber('shop1', 'right horse');
  await service.addSubscriber('shop2', 'other horse', { numbers: [{ number: '+8675520000002' }] });
});
afterEach(() => service.stop());

const connect = (id: string) => service.connect('shop1', 'right horse', { id });

/** Everything that comes to a terminal, in order: event and call's id. Acknowledges what is to be acknowledged. */
function transcript(socket: TerminalSocket): string[] {
  const lines: string[] = [];
  socket.on('call:incoming', (_call, acknowledge) => acknowledge({ received: true }));
  socket.onAny((name: string, payload: { id?: string; reason?: string }) => {
    lines.push(`${name} ${payload.id ?? payload.reason ?? ''}`.trim());
  });
  return lines;
}

describe('notifications', () => {
  test('a call goes to every terminal of the account and to no other; each receipt is reported', async () => {
    const one = await connect('t1');
    const two = await connect('t2');
    const stranger = await service.connect('shop2', 'other horse', { id: 't1' });
    const heard = transcript(stranger.socket);
    const call = waitingCall('c1', { secondCalled: '+8675529990001' });
    for (const { socket } of [one, two])
      socket.on('call:incoming', (_call, acknowledge) => acknowledge({ received: true }));
    const came = Promise.all([next(one.socket, 'call:incoming'), next(two.socket, 'call:incoming')]);
    const receipts: string[] = [];
    const both = new Promise<void>((resolve) => {
      const told = service.terminals.port.incoming('shop1', call, (terminalId) => {
        receipts.push(terminalId);
        if (receipts.length === 2) resolve();
      });
      assert.deepEqual(told, ['t1', 't2']);
    });
    assert.deepEqual(await came, [call, call]);
    await soon('both receipts', both);
    assert.deepEqual(receipts.sort(), ['t1', 't2']);
    const { notified, received } = service.terminals.counters();
    assert.deepEqual([notified, received], [2, 2]);
    await stranger.socket.emitWithAck('history:list', {});
    assert.deepEqual(heard, []);
  });

  test('a receipt that is none is not reported', async () => {
    const { socket } = await connect('t1');
    const receipts: string[] = [];
    const untyped: Socket = socket;
    untyped.on('call:incoming', (_call: unknown, acknowledge: (answer: unknown) => void) => {
      acknowledge({ received: 'yes' });
    });
    service.terminals.port.incoming('shop1', waitingCall('c1'), (id) => receipts.push(id));
    await next(socket, 'call:incoming');
    await socket.emitWithAck('history:list', {});
    assert.deepEqual(receipts, []);
  });

  test('a call side that throws on a receipt harms nobody', async () => {
    const { socket } = await connect('t1');
    socket.on('call:incoming', (_call, acknowledge) => acknowledge({ received: true }));
    service.terminals.port.incoming('shop1', waitingCall('c1'), () => {
      throw new Error('fault of the test');
    });
    await next(socket, 'call:incoming');
    assert.ok((await socket.emitWithAck('history:list', {})).ok);
    assert.equal(service.terminals.counters().faults, 1);
  });

  test('events come to all terminals in the order they were sent', async () => {
    const sockets = [(await connect('t1')).socket, (await connect('t2')).socket];
    const heard = sockets.map(transcript);
    const { port } = service.terminals;
    const last = sockets.map((socket) => next(socket, 'call:ended'));
    const expected: string[] = [];
    for (let number = 0; number < 50; number++) {
      port.incoming('shop1', waitingCall(`c${number}`), () => undefined);
      port.changed('shop1', waitingCall(`c${number}`, { state: 'connecting' }));
      expected.push(`call:incoming c${number}`, `call:changed c${number}`);
    }
    const end = { reason: 'completed', at: '2026-01-01T00:02:00.000Z', status: 200, q850: 16 } as const;
    port.ended('shop1', waitingCall('c0', { state: 'ended', end }));
    expected.push('call:ended c0');
    const [ended] = await Promise.all(last);
    assert.deepEqual(ended?.end, end);
    assert.deepEqual(heard, [expected, expected]);
  });

  test('a terminal that comes later is told of waiting and standing calls, and its receipt is noted', async () => {
    const waiting = waitingCall('c1');
    const standing = waitingCall('c2', { state: 'connected', connectedAt: '2026-01-01T00:00:10.000Z' });
    service.calls.standing.set('shop1', [waiting, standing]);
    const socket = service.socket({ account: 'shop1', password: 'right horse', terminal: { id: 'late' } });
    const heard = transcript(socket);
    const session = next(socket, 'session');
    socket.connect();
    assert.deepEqual((await session).calls, [waiting, standing]);
    const receipt = await soon(
      'the receipt',
      service.calls.once(({ what }) => what === 'received'),
    );
    assert.deepEqual(receipt, { what: 'received', account: 'shop1', callId: 'c1', terminalId: 'late' });
    assert.deepEqual(service.calls.asked[0], { what: 'arrived', account: 'shop1', terminalId: 'late' });
    assert.deepEqual(heard, ['session', 'call:incoming c1']);
  });

  test('an account without terminals has nobody to tell', () => {
    assert.deepEqual(
      service.terminals.port.incoming('shop1', waitingCall('c1'), () => undefined),
      [],
    );
    assert.deepEqual(service.terminals.port.present('shop1'), []);
    service.terminals.port.changed('shop1', waitingCall('c1'));
  });
});

describe('the end of the service', () => {
  test('terminals are told and may come back by themselves', async () => {
    const { socket } = await connect('t1');
    const ended = next(socket, 'session:ended');
    const gone = disconnection(socket);
    await service.terminals.close();
    assert.deepEqual(await ended, { reason: 'service-down' });
    // Only after `io server disconnect` the official client stays away.
    assert.notEqual(await gone, 'io server disconnect');
    assert.deepEqual(service.terminals.port.present('shop1'), []);
  });
});

describe('many terminals', () => {
  test('500 at once: each gets its account’s call once, and all receipts come', { timeout: 60_000 }, async () => {
    const accounts = Array.from({ length: 50 }, (_, index) => `many${index}`);
    for (const [index, account] of accounts.entries()) {
      const number = `+8675530000${String(index).padStart(3, '0')}`;
      await service.addSubscriber(account, 'right horse', { numbers: [{ number }] });
    }
    const terminals = await Promise.all(
      accounts.flatMap((account) =>
        Array.from({ length: 10 }, async (_, index) => {
          const { socket } = await service.connect(account, 'right horse', { id: `t${index}` });
          const calls: string[] = [];
          socket.on('call:incoming', ({ id }, acknowledge) => {
            calls.push(id);
            acknowledge({ received: true });
          });
          return { account, calls };
        }),
      ),
    );
    const { terminals: present, accounts: known } = service.terminals.counters();
    assert.deepEqual([present, known], [500, 50]);
    let receipts = 0;
    await soon(
      '500 receipts',
      new Promise<void>((resolve) => {
        for (const account of accounts) {
          service.terminals.port.incoming(account, waitingCall(`call of ${account}`), () => {
            if (++receipts === 500) resolve();
          });
        }
      }),
    );
    for (const { account, calls } of terminals) assert.deepEqual(calls, [`call of ${account}`]);
  });
});
