import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { cheapHash, disconnection, next, TerminalService } from '../../support/terminal-service.ts';

let service: TerminalService;
let account = '';
let number = '';
let count = 0;

/** Each test has an account of its own in one service. */
async function freshAccount(): Promise<void> {
  count++;
  account = `shop${count}`;
  number = `+86755200000${String(count).padStart(2, '0')}`;
  await service.addSubscriber(account, 'right horse', { numbers: [{ number }] });
}

describe('logging in', () => {
  before(async () => {
    service = await TerminalService.start({ maxPerAccount: 3, ipPhones: ['10.20.0.0/16'] });
  });
  after(() => service.stop());
  beforeEach(freshAccount);

  test('by account and password: the session tells who it is, and the login is stored', async () => {
    const terminal = {
      id: 't1',
      name: 'Desk phone',
      platform: 'pc',
      version: '1.2',
      internalAddress: { ip: '10.20.1.2', port: 5062 },
    };
    const { session } = await service.connect(account, 'right horse', terminal);
    assert.equal(session.version, 1);
    assert.equal(session.account, account);
    assert.equal(session.ownerName, 'Owner of the number');
    assert.deepEqual(session.numbers, [number]);
    assert.deepEqual(session.calls, []);
    assert.equal(Date.parse(session.expiresAt), service.clock.now() + 30 * 86_400_000);
    const [login] = await service.store.logins.of(account);
    assert.ok(login);
    assert.equal(login.publicAddress.ip, '127.0.0.1');
    assert.ok(login.publicAddress.port > 0);
    const { id: terminalId, ...described } = terminal;
    assert.deepEqual(
      { ...login, publicAddress: undefined },
      {
        account,
        terminalId,
        ...described,
        publicAddress: undefined,
        loggedInAt: service.clock.now(),
        lastSeenAt: service.clock.now(),
      },
    );
    assert.deepEqual(service.terminals.port.present(account), [
      { terminalId: 't1', name: 'Desk phone', ipPhone: `sip:${account}@10.20.1.2:5062` },
    ]);
  });

  test('by a number of the account, as people write it', async () => {
    const { session } = await service.connect(`0755-2000 00${String(count).padStart(2, '0')}`, 'right horse', {
      id: 't1',
    });
    assert.equal(session.account, account);
  });

  test('an unknown account and a wrong password are refused alike', async () => {
    const unknown = await service.refusal({ account: 'nobody', password: 'x', terminal: { id: 't1' } });
    const wrong = await service.refusal({ account, password: 'wrong', terminal: { id: 't1' } });
    assert.equal(unknown.code, 'bad-credentials');
    assert.deepEqual(unknown, wrong);
  });

  test('the token logs in without the password, and each session has a token for the next', async () => {
    const first = await service.connect(account, 'right horse', { id: 't1' });
    first.socket.disconnect();
    const second = await service.login({ token: first.session.token, terminal: { id: 't1' } });
    assert.ok('session' in second);
    second.socket.disconnect();
    const third = await service.login({ token: second.session.token, terminal: { id: 't1' } });
    assert.ok('session' in third);
  });

  test('a token works for its own terminal only, and a foreign one not at all', async () => {
    const { session } = await service.connect(account, 'right horse', { id: 't1' });
    const other = await service.refusal({ token: session.token, terminal: { id: 't2' } });
    assert.equal(other.code, 'token-expired');
    const [head, body] = session.token.split('.');
    const forged = await service.refusal({ token: `${head}.${body}.AAAA`, terminal: { id: 't1' } });
    assert.equal(forged.code, 'bad-credentials');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    assert.equal((await service.refusal({ token: unsigned, terminal: { id: 't1' } })).code, 'bad-credentials');
  });

  test('a token dies at its time', async () => {
    const { session } = await service.connect(account, 'right horse', { id: 't1' });
    await service.clock.advance(30 * 86_400_000 + 1_000);
    const late = await service.refusal({ token: session.token, terminal: { id: 't1' } });
    assert.equal(late.code, 'token-expired');
  });

  test('logging out ends the session and its token, not that of another terminal', async () => {
    const mine = await service.connect(account, 'right horse', { id: 't1' });
    const other = await service.connect(account, 'right horse', { id: 't2' });
    const ended = next(mine.socket, 'session:ended');
    const gone = disconnection(mine.socket);
    assert.deepEqual(await mine.socket.emitWithAck('session:logout', {}), { ok: true });
    assert.deepEqual(await ended, { reason: 'logged-out' });
    assert.equal(await gone, 'io server disconnect');
    const dead = await service.refusal({ token: mine.session.token, terminal: { id: 't1' } });
    assert.equal(dead.code, 'token-expired');
    assert.ok('session' in (await service.login({ token: other.session.token, terminal: { id: 't2' } })));
    const logins = await service.store.logins.of(account);
    assert.deepEqual(logins.map(({ terminalId, loggedOutAt }) => [terminalId, loggedOutAt !== undefined]).sort(), [
      ['t1', true],
      ['t2', false],
    ]);
  });

  test('a token of before the logout stays dead when the terminal logs in again', async () => {
    const mine = await service.connect(account, 'right horse', { id: 't1' });
    const gone = disconnection(mine.socket);
    await mine.socket.emitWithAck('session:logout', {});
    await gone;
    await service.connect(account, 'right horse', { id: 't1' });
    const dead = await service.refusal({ token: mine.session.token, terminal: { id: 't1' } });
    assert.equal(dead.code, 'token-expired');
  });

  test('the same terminal id replaces the older connection', async () => {
    const old = await service.connect(account, 'right horse', { id: 't1' });
    const ended = next(old.socket, 'session:ended');
    const gone = disconnection(old.socket);
    const young = await service.connect(account, 'right horse', { id: 't1' });
    assert.deepEqual(await ended, { reason: 'replaced' });
    assert.equal(await gone, 'io server disconnect');
    assert.ok(young.socket.connected);
    assert.deepEqual(service.terminals.port.present(account), [{ terminalId: 't1' }]);
  });

  test('an account has a limit of terminals; a replaced one does not count', async () => {
    for (const id of ['t1', 't2', 't3', 't3']) await service.connect(account, 'right horse', { id });
    const refusal = await service.refusal({ account, password: 'right horse', terminal: { id: 't4' } });
    assert.equal(refusal.code, 'too-many-terminals');
  });

  test('the limit also holds for terminals that log in at the same moment', async (t) => {
    // All eight have found room before the first of them is stored and connected.
    const { logins } = service.store;
    const save = logins.save.bind(logins);
    const eight = Promise.withResolvers<undefined>();
    let saving = 0;
    logins.save = async (login) => {
      if (++saving === 8) eight.resolve(undefined);
      await eight.promise;
      return save(login);
    };
    t.after(() => (logins.save = save));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, index) => {
        const socket = service.socket({ account, password: 'right horse', terminal: { id: `t${index}` } });
        await new Promise<void>((resolve, reject) => {
          socket.once('session', () => resolve());
          socket.once('connect_error', reject);
          socket.once('session:ended', ({ reason }) => reject(new Error(reason)));
          socket.connect();
        });
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
    assert.equal(service.terminals.port.present(account).length, 3);
  });

  test('a removed account: its terminals are told and its tokens are dead', async () => {
    const { socket, session } = await service.connect(account, 'right horse', { id: 't1' });
    const ended = next(socket, 'session:ended');
    const gone = disconnection(socket);
    await service.store.subscribers.remove(account);
    assert.deepEqual(await ended, { reason: 'account-removed' });
    await gone;
    assert.deepEqual(service.terminals.port.present(account), []);
    assert.equal((await service.refusal({ token: session.token, terminal: { id: 't1' } })).code, 'token-expired');
    await service.addSubscriber(account, 'right horse', { numbers: [{ number }] });
    const again = await service.refusal({ token: session.token, terminal: { id: 't1' } });
    assert.equal(again.code, 'token-expired', 'an account made anew is another one');
  });

  test('a changed password ends sessions and tokens; other changes do not', async () => {
    const { socket, session } = await service.connect(account, 'right horse', { id: 't1' });
    await service.store.subscribers.change(account, { ownerName: 'Somebody else' });
    const answer = await socket.emitWithAck('history:list', {});
    assert.ok(answer.ok);
    const ended = next(socket, 'session:ended');
    await service.store.subscribers.change(account, { passwordHash: await cheapHash('new horse') });
    assert.deepEqual(await ended, { reason: 'password-changed' });
    assert.equal((await service.refusal({ token: session.token, terminal: { id: 't1' } })).code, 'token-expired');
    await service.connect(account, 'new horse', { id: 't1' });
  });

  for (const [what, auth] of Object.entries({
    'nothing at all': {},
    'no terminal': { account: 'shop1', password: 'x' },
    'a terminal without id': { account: 'shop1', password: 'x', terminal: {} },
    'an id of odd characters': { account: 'shop1', password: 'x', terminal: { id: 'a\nb' } },
    'an empty password': { account: 'shop1', password: '', terminal: { id: 't1' } },
    'a password that is a number': { account: 'shop1', password: 5, terminal: { id: 't1' } },
    'an unknown platform': { account: 'shop1', password: 'x', terminal: { id: 't1', platform: 'toaster' } },
    'an internal address that is none': {
      account: 'shop1',
      password: 'x',
      terminal: { id: 't1', internalAddress: { ip: 'evil.example' } },
    },
    'a token that is an object': { token: {}, terminal: { id: 't1' } },
  })) {
    test(`malformed: ${what}`, async () => {
      const refusal = await service.refusal(auth);
      assert.equal(refusal.code, 'malformed');
      assert.ok(refusal.message.length > 20, refusal.message);
    });
  }

  test('the default namespace admits nobody', async () => {
    const { io } = await import('socket.io-client');
    const socket = io(service.url, { forceNew: true, reconnection: false, transports: ['websocket'] });
    const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve));
    assert.match(error.message, /\/terminal/);
    socket.disconnect();
  });
});

describe('behind a proxy', () => {
  test('the address is the one that the proxy wrote last', async () => {
    const proxied = await TerminalService.start({ trustProxy: true });
    try {
      await proxied.addSubscriber('shop1', 'right horse');
      await proxied.login(
        { account: 'shop1', password: 'right horse', terminal: { id: 't1' } },
        { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' },
      );
      const [login] = await proxied.store.logins.of('shop1');
      assert.deepEqual(login?.publicAddress, { ip: '203.0.113.9', port: 0 });
    } finally {
      await proxied.stop();
    }
  });

  test('without one, nobody may claim an address', async () => {
    const direct = await TerminalService.start();
    try {
      await direct.addSubscriber('shop1', 'right horse');
      await direct.login(
        { account: 'shop1', password: 'right horse', terminal: { id: 't1' } },
        { 'x-forwarded-for': '203.0.113.9' },
      );
      const [login] = await direct.store.logins.of('shop1');
      assert.equal(login?.publicAddress.ip, '127.0.0.1');
    } finally {
      await direct.stop();
    }
  });
});
