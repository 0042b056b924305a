import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { verifySecret } from '../../../src/shared/secret.ts';
import { withCli } from './cli-at.ts';

const password = 'correct horse\n';
const shop = ['subscriber', 'add', 'shop1', '--number', '20000001', '--password-stdin'];

describe('ringaway subscriber and number', { concurrency: 2, timeout: 120_000 }, () => {
  test('a subscriber is added with numbers in their stored form, and secrets as hashes only', () =>
    withCli(async (cli) => {
      const args = ['subscriber', 'add', 'shop1', '--number', '0755-2000 0001', '--number', '+8613800000001'];
      const more = ['--second', '86000001', '--owner', 'The shop', '--address', 'Road 1', '--pin', '4711'];
      const answer = await cli.run([...args, ...more, '--password-stdin'], password);
      assert.equal(answer.code, 0, answer.err);
      for (const shown of ['shop1', 'The shop', 'Road 1', '+8675520000001', '+8613800000001', '+08:00']) {
        assert.ok(answer.out.includes(shown), `${answer.out} shows ${shown}`);
      }
      const store = await cli.openStore();
      const kept = await store.subscribers.credentials('shop1');
      await store.close();
      assert.deepEqual(kept?.subscriber.numbers, [
        { number: '+8675520000001', secondCalled: '+8675586000001' },
        { number: '+8613800000001' },
      ]);
      assert.equal(kept.subscriber.proof, 'pin', 'with a PIN, the PIN is what instructions need');
      assert.ok(await verifySecret(kept.secrets.passwordHash, 'correct horse'), 'without the newline');
      assert.ok(await verifySecret(kept.secrets.pinHash, '4711'));
    }));

  test('what was added is listed and shown, in JSON with times in UTC and without secrets', () =>
    withCli(async (cli) => {
      await cli.json(shop, password);
      const shown = JSON.stringify(await cli.json(['subscriber', 'show', 'shop1']));
      assert.match(shown, /"createdAt":"\d{4}-\d\d-\d\dT[\d:.]+Z"/);
      assert.doesNotMatch(shown, /argon2|[hH]ash/);
      const listed = await cli.run(['subscriber', 'list']);
      assert.match(listed.out, /^ACCOUNT .*\nshop1 +\+8675520000001 +session/);
      assert.deepEqual(await cli.json(['number', 'list']), [{ number: '+8675520000001', account: 'shop1' }]);
    }));

  test('a change alters what it names', () =>
    withCli(async (cli) => {
      await cli.json([...shop, '--owner', 'A', '--address', 'Road 1'], password);
      const set = ['subscriber', 'set', 'shop1'];
      await cli.json([...set, '--owner', '', '--pin', '4711', '--password-stdin'], 'another secret');
      const store = await cli.openStore();
      const first = await store.subscribers.credentials('shop1');
      assert.equal(first && 'ownerName' in first.subscriber, false);
      assert.equal(first?.subscriber.ownerAddress, 'Road 1');
      assert.equal(first.subscriber.proof, 'pin');
      assert.ok(await verifySecret(first.secrets.passwordHash, 'another secret'));

      const refused = await cli.run([...set, '--no-pin']);
      assert.equal(refused.code, 2);
      assert.match(refused.err, /--proof/);
      await cli.json([...set, '--no-pin', '--proof', 'password']);
      const second = await store.subscribers.credentials('shop1');
      await store.close();
      assert.equal(second && 'pinHash' in second.secrets, false);
      assert.equal(second?.subscriber.proof, 'password');
    }));

  test('music and ways to connect are looked at, kept, shown and taken back', () =>
    withCli(async (cli) => {
      const folder = dirname(cli.config);
      const music = join(folder, 'music.wav');
      writeFileSync(music, 'RIFF\x24\0\0\0WAVEfmt ', 'latin1');
      writeFileSync(join(folder, 'text.wav'), 'this is no music');
      const near = relative(process.cwd(), music);
      const added = await cli.run([...shop, '--music', near, '--connect', 'refer, bridge'], password);
      assert.equal(added.code, 0, added.err);
      assert.match(added.out, new RegExp(`^Music +${music}$`, 'm'));
      assert.match(added.out, /^Connected by +refer, else bridge$/m);
      const store = await cli.openStore();
      const { music: kept, connect } = (await store.subscribers.get('shop1')) ?? {};
      assert.deepEqual([kept, connect], [music, ['refer', 'bridge']]);
      for (const [option, value, says] of [
        ['--music', join(folder, 'none.mp3'), /--music: the file .*none\.mp3 does not exist/],
        ['--music', join(folder, 'text.wav'), /--music: the file .*text\.wav is neither wav nor mp3/],
        ['--connect', 'bridge,fly', /--connect "bridge,fly" is not valid: expected .*bridge,refer,redirect/],
        ['--connect', 'refer,refer', /--connect "refer,refer" is not valid/],
      ] as const) {
        const refused = await cli.run(['subscriber', 'set', 'shop1', option, value]);
        assert.equal(refused.code, 2);
        assert.match(refused.err, says);
      }
      await cli.json(['subscriber', 'set', 'shop1', '--music', '', '--connect', 'bridge']);
      const changed = await store.subscribers.get('shop1');
      assert.ok(changed && !('music' in changed));
      assert.deepEqual(changed.connect, ['bridge']);
      await cli.json(['subscriber', 'set', 'shop1', '--connect', '']);
      assert.ok(!('connect' in ((await store.subscribers.get('shop1')) ?? {})));
      await store.close();
    }));

  test('numbers and subscribers come and go; a running service is told', () =>
    withCli(async (cli) => {
      await cli.json(shop, password);
      const store = await cli.openStore();
      const told = Promise.withResolvers<string>();
      await cli.json(['number', 'add', 'shop1', '20000002', '--second', '86000002']);
      const stop = store.subscribers.watch((account) => told.resolve(account));
      assert.equal((await store.subscribers.get('shop1'))?.numbers.length, 2);
      await cli.json(['number', 'remove', 'shop1', '20000001']);
      assert.equal(await told.promise, 'shop1');
      stop();
      const last = await cli.run(['number', 'remove', 'shop1', '20000002']);
      assert.equal(last.code, 2);
      const removed = await cli.run(['subscriber', 'remove', 'shop1']);
      assert.deepEqual({ ...removed, out: '' }, { code: 0, out: '', err: '' });
      assert.equal(await store.subscribers.get('shop1'), undefined);
      await store.close();
    }));

  const mistakes: { what: string; args: string[]; input?: string; says: RegExp }[] = [
    { what: 'no password', args: shop.slice(0, -1), says: /--password-stdin/ },
    { what: 'a short password', args: shop, input: 'short\n', says: /5 characters.*8/ },
    { what: 'a short PIN', args: [...shop, '--pin', '123'], input: password, says: /4 to 12/ },
    { what: 'letters in the PIN', args: [...shop, '--pin', 'abcd'], input: password, says: /digits/ },
    { what: 'a bad name', args: ['subscriber', 'add', 'Shop 1', ...shop.slice(3)], input: password, says: /"Shop 1"/ },
    { what: 'no number', args: ['subscriber', 'add', 'a', '--password-stdin'], says: /--number/ },
    { what: 'a bad number', args: ['number', 'add', 'a', 'hello'], says: /"hello"/ },
    { what: 'an emergency number', args: ['number', 'add', 'a', '110'], says: /emergency/ },
    { what: 'too many second numbers', args: [...shop, '--second', '1', '--second', '2'], says: /--second/ },
    { what: 'a proof that is none', args: [...shop, '--proof', 'x'], says: /session, pin, password/ },
    { what: 'a PIN as proof without a PIN', args: [...shop, '--proof', 'pin'], input: password, says: /--pin/ },
    { what: 'an account that is not there', args: ['subscriber', 'show', 'nobody'], says: /no account nobody/ },
    { what: 'nothing to change', args: ['subscriber', 'set', 'shop1'], says: /nothing to change/ },
    { what: 'an unknown option', args: ['subscriber', 'list', '--jso'], says: /--jso/ },
    { what: 'a call that is not there', args: ['call', 'show', 'x'], says: /call x/ },
    { what: 'a time that is none', args: ['call', 'list', '--before', 'yesterday'], says: /"yesterday"/ },
    { what: 'a limit that is none', args: ['call', 'list', '--limit', '0'], says: /"0"/ },
  ];
  test('every mistake is one line on standard error, and exit code 2', () =>
    withCli(async (cli) => {
      for (const { what, args, input, says } of mistakes) {
        const { code, out, err } = await cli.run(args, input);
        assert.equal(code, 2, `${what}: ${out}${err}`);
        assert.match(err, says, what);
        assert.equal(err.trimEnd().split('\n').length, 1, `${what}: ${err}`);
        assert.equal(out, '', what);
      }
      await cli.json(shop, password);
      const again = await cli.run([...shop, '--json'], password);
      assert.equal(again.code, 2);
      assert.match(again.err, /^\{"error":\{"code":"account-exists"/);
      const taken = await cli.run(
        ['subscriber', 'add', 'b', '--number', '+8675520000001', '--password-stdin'],
        password,
      );
      assert.match(taken.err, /^ringaway: number \+8675520000001 is taken by account shop1/);
    }));

  test('--config is understood before and after the command', () =>
    withCli(async (cli) => {
      await cli.json(shop, password);
      for (const args of [
        ['--config', cli.config, 'number', 'list', 'shop1'],
        ['number', '--config', cli.config, 'list', 'shop1'],
        ['number', 'list', 'shop1', '--config', cli.config],
      ]) {
        assert.match((await cli.run(args)).out, /\+8675520000001/);
      }
    }));
});
