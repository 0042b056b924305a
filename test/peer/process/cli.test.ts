// The command line as processes beside a running service.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';
import { assertMistake, ringaway } from '../../support/process/cli.ts';
import { notBuilt, Running } from '../../support/process/process.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';
import { password } from '../../support/site.ts';

const another = '+8675520000002';

const subscriberSchema = z.object({
  account: z.string(),
  ownerName: z.string().optional(),
  ownerAddress: z.string().optional(),
  proof: z.string(),
  numbers: z.array(z.object({ number: z.string(), secondCalled: z.string().optional() })),
});
const numbersSchema = z.array(
  z.object({ number: z.string(), secondCalled: z.string().optional(), account: z.string() }),
);
const callSchema = z.object({
  id: z.string(),
  account: z.string(),
  caller: z.string(),
  firstCalled: z.string(),
  finalCalled: z.string().optional(),
  arrivedAt: z.iso.datetime(),
  end: z.object({ reason: z.string() }),
});

describe('the command line beside a running service', { timeout: 120_000 }, () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
    await scene.serve();
  });
  after(() => scene.close());

  const run = (args: string[], input?: string) => ringaway(['--config', scene.config, ...args], input);
  /** With --json, and --config behind the command. */
  const json = async <T>(schema: z.ZodType<T>, args: string[], input?: string): Promise<T> => {
    const { code, out, err } = await ringaway([...args, '--json', '--config', scene.config], input);
    assert.equal(code, 0, err);
    assert.equal(err, '');
    return schema.parse(JSON.parse(out));
  };

  test('a subscriber that is added can log in and be called at once; what is changed shows', async () => {
    const added = await json(
      subscriberSchema,
      ['subscriber', 'add', 'shop1', '--number', '0755-20000001', '--owner', 'Shop One', '--password-stdin'],
      `${password}\n`,
    );
    assert.deepEqual(
      [added.account, added.ownerName, added.numbers, added.proof],
      ['shop1', 'Shop One', [{ number: numbers.first }], 'session'],
    );
    const terminal = await scene.terminal('shop1');
    await scene.connect(terminal);
    scene.phones.caller.hangUp();
    await terminal.ended();
    await scene.stage.quiet(5_000);

    const set = await json(subscriberSchema, ['subscriber', 'set', 'shop1', '--address', 'Shenzhen', '--pin', '4711']);
    assert.deepEqual([set.ownerName, set.ownerAddress, set.proof], ['Shop One', 'Shenzhen', 'pin']);
    const [shown, listed, forPeople, table] = await Promise.all([
      json(subscriberSchema.catchall(z.unknown()), ['subscriber', 'show', 'shop1']),
      json(z.array(subscriberSchema), ['subscriber', 'list']),
      run(['subscriber', 'show', 'shop1']),
      run(['subscriber', 'list']),
    ]);
    assert.deepEqual([shown.account, shown.ownerAddress], ['shop1', 'Shenzhen']);
    assert.doesNotMatch(JSON.stringify(shown), /hash|argon|4711/i);
    assert.deepEqual(
      listed.map(({ account }) => account),
      ['shop1'],
    );
    assert.equal(forPeople.code, 0);
    assert.match(forPeople.out, /Account +shop1\nOwner +Shop One\n[\s\S]*need the PIN[\s\S]*Terminals +shop1-pc/);
    assert.match(table.out, /^ACCOUNT +NUMBERS +PROOF +OWNER\nshop1 +\+8675520000001 +pin/);
    // And the change is in force: an instruction now needs the PIN
    scene.phones.caller.call(numbers.first);
    const waiting = await terminal.when(
      'one more call',
      ({ event, call }) => event === 'incoming' && call.id !== terminal.told[0]?.call.id,
    );
    const refused = await terminal.client.transfer({ callId: waiting.id, to: numbers.final });
    assert.ok(!refused.ok);
    assert.equal(refused.error.code, 'password-needed');
    scene.phones.caller.hangUp();
    await scene.stage.quiet(5_000);
    assert.equal((await run(['subscriber', 'set', 'shop1', '--no-pin', '--proof', 'session'])).code, 0);
    terminal.client.disconnect();
  });

  test('a number that is added is called at once, and no longer when it is removed', async () => {
    const added = await json(subscriberSchema, ['number', 'add', 'shop1', another, '--second', '0755 8600 0002']);
    assert.deepEqual(added.numbers.at(-1), { number: another, secondCalled: '+8675586000002' });
    const all = await json(numbersSchema, ['number', 'list']);
    assert.deepEqual(
      all.map(({ number, account }) => [number, account]),
      [
        [numbers.first, 'shop1'],
        [another, 'shop1'],
      ],
    );
    assert.match((await run(['number', 'list', 'shop1'])).out, /^NUMBER +RINGS AS +ACCOUNT\n/);

    scene.stage.network.ringBeside(another, { secondCalled: numbers.second, service: scene.trunk });
    scene.stage.network.connect(another, scene.phones.first.address);
    const terminal = await scene.terminal('shop1', 'second');
    scene.phones.caller.call(another);
    assert.equal((await terminal.incoming()).firstCalled, another);
    scene.phones.caller.hangUp();
    await terminal.ended();

    const removed = await json(subscriberSchema, ['number', 'remove', 'shop1', '0755 2000 0002']);
    assert.equal(removed.numbers.length, 1);
    const before = await scene.metric('ringaway_calls_ended_total{reason="rejected"}');
    scene.phones.caller.call(another);
    await eventually(
      'the refused call',
      async () => (await scene.metric('ringaway_calls_ended_total{reason="rejected"}')) === before + 1,
    );
    scene.phones.caller.hangUp();
    await scene.stage.quiet(5_000);
    terminal.client.disconnect();
  });

  test('the records of the calls: listed, filtered, told as a story', async () => {
    const list = await json(z.array(callSchema), ['call', 'list', '--account', 'shop1', '--limit', '10']);
    const [newest] = list;
    const first = list.at(-1);
    assert.ok(newest && first);
    assert.deepEqual(
      [first.caller, first.firstCalled, first.finalCalled, first.end.reason],
      [numbers.caller, numbers.first, numbers.final, 'completed'],
    );
    assert.deepEqual([newest.firstCalled, newest.end.reason], [another, 'caller-hung-up']);
    const [filtered, shown, story, table] = await Promise.all([
      json(z.array(callSchema), ['call', 'list', '--number', numbers.final]),
      json(callSchema, ['call', 'show', first.id]),
      run(['call', 'show', first.id]),
      run(['call', 'list']),
    ]);
    assert.deepEqual(
      filtered.map(({ id }) => id),
      [first.id],
    );
    assert.deepEqual(shown, first);
    assert.equal(story.code, 0);
    const told = [
      /terminal shop1-pc was told/,
      /said: to \+8675520000009/,
      /answered/,
      /ended by the caller: completed/,
    ];
    for (const part of told) assert.match(story.out, part);
    assert.match(table.out, /^ARRIVED +CALLER +CALLED +FINALLY +TALKED +END +ID\n/);
  });

  test('ringaway terminal as a process: logs in, sees a call, transfers it by a typed line, sees it connected and ended', async () => {
    const shell = new Running([
      ...['terminal', '--server', `http://${scene.http}`, '--account', 'shop1', '--id', 'shell'],
      ...['--password-stdin', '--json'],
    ]);
    try {
      shell.type(password);
      await shell.line('out', /"event":"session".*"account":"shop1"/);
      scene.phones.caller.call(numbers.first);
      const [, id = ''] = await shell.line(
        'out',
        /"event":"call:incoming".*"id":"([^"]+)".*"caller":"\+8613800138000"/,
      );
      shell.type('0755 2000 0009');
      await shell.line('out', /"event":"call:changed".*"connectedAt"/);
      await scene.phones.final.rtp.hears(440, 0.3, 5_000);
      scene.phones.caller.hangUp();
      await shell.line('out', /"event":"call:ended".*"reason":"completed"/);
      for (const line of shell.lines.out) z.object({ event: z.string() }).parse(JSON.parse(line));
      assert.doesNotMatch(shell.out, /"token"/);
      const record = await scene.closedRecord({ id });
      assert.deepEqual([record.instructedBy, record.finalCalled], ['shell', numbers.final]);
      shell.type('q');
      assert.deepEqual(await shell.exit(), { code: 0, signal: null });
      assert.equal(shell.err, '');
    } finally {
      await shell.kill();
    }
  });

  describe('mistakes: one clear line on standard error, exit code 2, no stack', { concurrency: 4 }, () => {
    const add = (name: string, number: string, given = `${password}\n`) =>
      run(['subscriber', 'add', name, '--number', number, '--password-stdin'], given);
    const cases: Record<string, [() => ReturnType<typeof run>, RegExp]> = {
      'a number that is taken': [() => add('shop2', '0755 2000 0001'), /\+8675520000001 is taken by account shop1/],
      'no number': [() => add('shop2', 'hello'), /"hello" is no telephone number/],
      'a short password': [() => add('shop2', another, 'short\n'), /has 5 characters: it must have 8 to 256/],
      'an unknown account': [() => run(['subscriber', 'show', 'nobody']), /there is no account nobody/],
      'the last number': [() => run(['number', 'remove', 'shop1', numbers.first]), /the only number of account shop1/],
      'an unknown call': [() => run(['call', 'show', 'nothing']), /no record of a call nothing/],
      'an unknown option': [() => run(['subscriber', 'list', '--jsno']), /unknown option '--jsno'.*--json/],
      'an unknown command': [() => run(['subscribe']), /unknown command 'subscribe'.*subscriber/],
      'a wrong password of a terminal': [
        () =>
          ringaway(
            ['terminal', '--server', `http://${scene.http}`, '--account', 'shop1', '--password-stdin'],
            'wrong password\n',
          ).then((answer) => ({ ...answer, out: '' })), // what is shown there is for the person at the terminal
        /password/,
      ],
    };
    for (const [name, [attempt, says]] of Object.entries(cases)) {
      test(name, async () => assertMistake(await attempt(), says));
    }

    test('with --json a mistake is one JSON object on standard error', async () => {
      const { code, out, err } = await run(['--json', 'subscriber', 'show', 'nobody']);
      assert.deepEqual([code, out], [2, '']);
      assert.deepEqual(JSON.parse(err), { error: { code: 'unknown-account', message: 'there is no account nobody' } });
    });
  });

  test("removing the account ends its terminals' sessions, and its number is nobody's", async () => {
    const terminal = await scene.terminal('shop1', 'last');
    const ended = new Promise<string>((resolve) => terminal.client.events.on('sessionEnded', resolve));
    const { code, out } = await run(['subscriber', 'remove', 'shop1']);
    assert.deepEqual([code, out], [0, `Removed shop1 with ${numbers.first}.`]);
    assert.equal(await ended, 'account-removed');
    await assert.rejects(scene.terminal('shop1', 'again'), /password|account/i);
    assert.match((await run(['subscriber', 'list'])).out, /no subscriber yet/);
    assert.ok((await json(z.array(callSchema), ['call', 'list', '--account', 'shop1'])).length > 0, 'its records stay');
  });
});

describe('commands about the settings', { timeout: 60_000 }, () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'ringaway-settings-'))));
  after(() => rm(folder, { recursive: true }));
  const written = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    return file;
  };
  const good = 'node: n1\nsip: { server: "drachtio://user:hush@192.0.2.1:9022" }\n';

  test('check and show, with secrets masked; the environment overrides the file', async () => {
    const file = await written('good.yaml', good);
    const checked = await ringaway(['config', 'check', '--config', file]);
    assert.deepEqual([checked.code, checked.err], [0, '']);
    assert.match(checked.out, /good\.yaml is right: 0 trunks/);
    const shown = await ringaway(['--config', file, 'config', 'show', '--json'], '', {
      env: { RINGAWAY_CALLS_MAX_HOLD: '90s' },
    });
    assert.equal(shown.code, 0, shown.err);
    assert.doesNotMatch(shown.out, /hush/);
    const { node, calls } = z
      .object({ node: z.string(), calls: z.looseObject({ maxHold: z.unknown() }) })
      .parse(JSON.parse(shown.out));
    assert.equal(node, 'n1');
    assert.match(String(calls.maxHold), /^(90s|1\.5m|90000)$/);
    const docs = await ringaway(['config', 'docs']);
    assert.match(docs.out, /^\| setting \| takes \| default \| meaning \|\n[\s\S]*`calls\.decideWithin`/m);
  });

  test('several faults: a line for each, with the place, the key, the value and what was expected', async () => {
    const file = await written('bad.yaml', 'http:\n  listen: nowhere\ncalls:\n  decideWithin: soon\ntrunk: []\n');
    for (const command of [['config', 'check'], ['serve'], ['subscriber', 'list']]) {
      const answer = await ringaway([...command, '--config', file]);
      assertMistake(answer, /http\.listen: "nowhere".*expected an address and port/, 3);
      assert.match(answer.err, /calls\.decideWithin: "soon".*expected a duration/);
      assert.match(answer.err, /trunk: there is no such setting; did you mean trunks\?/);
      for (const line of [2, 4, 5]) assert.match(answer.err, new RegExp(`bad\\.yaml:${line}\\b`));
    }
  });

  test('a file that is not there, that is no file, and that is no YAML', async () => {
    const check = (file: string) => ringaway(['config', 'check', '--config', file]);
    assertMistake(await check(path.join(folder, 'none.yaml')), /There is no settings file .*none\.yaml/);
    assertMistake(await check(folder), /cannot be read/);
    const answer = await check(await written('odd.yaml', 'sip: [unclosed\n'));
    assert.equal(answer.code, 2);
    assert.match(answer.err, /^ringaway: .*odd\.yaml:\d/);
  });

  const isRoot = process.getuid?.() === 0;
  test('a file that may not be read', { skip: isRoot && 'NOT TESTED: the superuser may read every file' }, async () => {
    const file = await written('secret.yaml', good);
    await chmod(file, 0);
    assertMistake(await ringaway(['config', 'check', '--config', file]), /cannot be read/);
  });
});

test(
  'ringaway simulate --interactive: the numbers come from standard input; without one it is no success',
  { timeout: 60_000 },
  async () => {
    const chosen = await ringaway(['simulate', '--interactive'], '+8675520000007\n0755-20000009\n');
    assert.equal(chosen.code, 0, chosen.out + chosen.err);
    assert.match(chosen.out, /\+8675520000007 failed \(target-busy\)/);
    const none = await ringaway(['simulate', '--interactive'], '');
    assert.equal(none.code, 2);
    assert.match(none.err, /standard input has ended/);
  },
);

test('ringaway simulate --json: exit code 0, all that had to be seen was seen', { timeout: 60_000 }, async () => {
  const { code, out, err } = await ringaway(['simulate', '--json']);
  assert.deepEqual([code, err], [0, '']);
  const { checks, record } = z
    .object({
      checks: z.array(z.object({ what: z.string(), ok: z.boolean(), seen: z.string() })),
      record: z.object({ finalCalled: z.string(), end: z.object({ reason: z.string() }) }),
    })
    .parse(JSON.parse(out));
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  assert.ok(checks.length >= 7);
  assert.deepEqual([record.finalCalled, record.end.reason], [numbers.final, 'completed']);
});

describe('too old a Node', () => {
  const old = '/usr/bin/node';
  const { stdout } = spawnSync(old, ['--version'], { encoding: 'utf8' });
  const major = Number(/^v(\d+)/.exec(stdout)?.[1]);
  const skip = major < 24 ? false : `NOT TESTED: ${old} is ${stdout.trim() || 'not there'}, and not older than 24`;
  const entry = new URL('../../../dist/cli/ringaway.js', import.meta.url).pathname;

  test('one clear line and exit code 1, whatever was asked', { skip: skip || notBuilt() }, () => {
    for (const args of [['serve'], ['--help'], ['call', 'list', '--json']]) {
      const { status, stdout, stderr } = spawnSync(old, [entry, ...args], { encoding: 'utf8' });
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /^ringaway: needs Node 24 or newer, and this is Node \d+\.\d+\.\d+\. Run .*\n$/);
    }
  });
});
