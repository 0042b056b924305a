// What becomes of the datagrams in which engines tell of keys, and of all others that come there.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { DigitReceiver } from '../../../src/media/rtpengine/digit-receiver.ts';
import type { Pressed } from '../../../src/media/rtpengine/digit-report.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { freeUdpPort } from '../../support/rtpengine.ts';
import { report } from './digit-report.ts';

describe('where reports of keys are taken', () => {
  async function receiver(t: TestContext) {
    const clock = new FakeClock();
    const pressed: Pressed[] = [];
    const sessions = ['node:call.1'];
    const tenant = (session: string) =>
      sessions.includes(session)
        ? { session, lost: () => false, pressed: (one: Pressed) => pressed.push(one) > 0 }
        : undefined;
    const address = `udp://127.0.0.1:${await freeUdpPort()}`;
    const hosts = ['127.0.0.1'];
    const engines = () => [...hosts.map((host) => ({ host, tenant })), { host: '127.0.0.8', tenant: () => undefined }];
    const open = await DigitReceiver.open(address, { clock, log: silentLog, engines });
    t.after(() => open.close());
    const send = async (datagram: Buffer, from = '127.0.0.1') => {
      const all = () => Object.values({ ...open.counts }).reduce((sum, count) => sum + count, 0);
      const before = all();
      const socket = createSocket('udp4');
      socket.bind(0, from);
      await once(socket, 'listening');
      socket.send(datagram, Number(address.split(':')[2]), '127.0.0.1');
      await eventually('the datagram was looked at', () => all() > before);
      socket.close();
    };
    return { clock, pressed, open, send, address, hosts };
  }

  test('in order; the same datagram at once is the same key, later it is another one', async (t) => {
    const { clock, pressed, open, send } = await receiver(t);
    await send(report({ event: 1 }));
    await send(report({ event: 1 }));
    await send(report({ event: 2 }));
    await send(report({ event: 1 }));
    await clock.advance(39);
    await send(report({ event: 1 }));
    await clock.advance(1);
    await send(report({ event: 1 }));
    assert.equal(pressed.map(({ digit }) => digit).join(''), '121');
    assert.deepEqual(open.counts, { taken: 3, unwanted: 0, repeated: 3, unreadable: 0, stranger: 0, excess: 0 });
  });

  test('only from engines, each for its own sessions; those that are engines by now', async (t) => {
    const { pressed, open, send, hosts } = await receiver(t);
    await send(report(), '127.0.0.9');
    assert.equal(open.counts.stranger, 1);
    await send(report(), '127.0.0.8');
    await send(report({ callid: 'node:other.1' }));
    await send(report({ callid: '__proto__' }));
    assert.equal(open.counts.unwanted, 3);
    await send(Buffer.from('garbage'));
    await send(Buffer.alloc(0));
    assert.equal(open.counts.unreadable, 2);
    assert.deepEqual(pressed, []);
    hosts.push('127.0.0.9');
    await send(report({ event: 9 }), '127.0.0.9');
    assert.deepEqual(pressed, [{ from: 'caller', digit: '9', milliseconds: 160 }]);
  });

  test('so many in a second and no more; strangers take nothing of it', async (t) => {
    const { clock, open, send } = await receiver(t);
    await send(report(), '127.0.0.9');
    for (let index = 0; index < 1_000; index++) await send(Buffer.from('x'));
    await send(report());
    assert.deepEqual([open.counts.unreadable, open.counts.excess, open.counts.taken], [1_000, 1, 0]);
    await clock.advance(1_000);
    await send(report());
    assert.equal(open.counts.taken, 1);
  });

  test('an address that cannot be had is told by name; closing twice is closing once', async (t) => {
    const { open, address } = await receiver(t);
    const parts = { clock: new FakeClock(), log: silentLog, engines: () => [] };
    await assert.rejects(DigitReceiver.open(address, parts), { code: 'address-in-use', message: /digitEvents: udp/ });
    await assert.rejects(DigitReceiver.open('udp://192.0.2.1:2224', parts), { code: 'bad-setting' });
    await Promise.all([open.close(), open.close()]);
    await (await DigitReceiver.open(address, parts)).close();
  });
});
