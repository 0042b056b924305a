import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TerminalLogin } from '../../../src/call/subscriber.ts';
import { withStore, type NewPlace } from './place.ts';

const login: TerminalLogin = {
  account: 'a',
  terminalId: 't1',
  name: 'phone',
  platform: 'android',
  version: '1.0',
  publicAddress: { ip: '2001:db8::1', port: 40000 },
  internalAddress: { ip: '192.168.1.5', port: 5060 },
  loggedInAt: 1000,
  lastSeenAt: 1000,
};
const bare: TerminalLogin = {
  account: 'a',
  terminalId: 't2',
  publicAddress: { ip: '192.0.2.1', port: 1 },
  loggedInAt: 2000,
  lastSeenAt: 2000,
};

export function loginsConform(newPlace: NewPlace): void {
  describe('logins', () => {
    test('the logins of an account come back whole, the latest first', () =>
      withStore(newPlace, async ({ logins }) => {
        await logins.save(login);
        await logins.save(bare);
        await logins.save({ ...bare, account: 'b' });
        assert.deepEqual(await logins.of('a'), [bare, login]);
        assert.deepEqual(await logins.of('c'), []);
      }));

    test('a later login of the same terminal replaces the former, with all that it had', () =>
      withStore(newPlace, async ({ logins }) => {
        await logins.save(login);
        await logins.loggedOut('a', 't1', 1500);
        const later = { ...bare, terminalId: 't1' };
        await logins.save(later);
        assert.deepEqual(await logins.of('a'), [later]);
      }));

    test('seen and logged out are noted; the time last seen never goes back', () =>
      withStore(newPlace, async ({ logins }) => {
        await logins.save(login);
        await logins.seen('a', 't1', 5000);
        await logins.seen('a', 't1', 4000);
        assert.equal((await logins.of('a'))[0]?.lastSeenAt, 5000);
        await logins.loggedOut('a', 't1', 6000);
        assert.deepEqual(await logins.of('a'), [{ ...login, lastSeenAt: 5000, loggedOutAt: 6000 }]);
        await logins.seen('a', 'unknown', 1);
        await logins.loggedOut('a', 'unknown', 1);
        assert.equal((await logins.of('a')).length, 1);
      }));

    test('many logins of one terminal at once are one row', () =>
      withStore(newPlace, async ({ logins }) => {
        await Promise.all(Array.from({ length: 20 }, (_, i) => logins.save({ ...login, loggedInAt: i })));
        assert.equal((await logins.of('a')).length, 1);
      }));

    test('where a terminal was stays known after its account was removed', () =>
      withStore(newPlace, async ({ logins, subscribers }) => {
        const secrets = { passwordHash: 'p' };
        await subscribers.add({ account: 'a', numbers: [{ number: '+861' }], proof: 'session', secrets });
        await logins.save(login);
        await subscribers.remove('a');
        assert.deepEqual(await logins.of('a'), [login]);
      }));
  });
}
