import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { caller, invite } from '../numbers/invite.ts';
import { sharedCases } from '../numbers/shared-cases.ts';
import { withCli, type Cli } from './cli-at.ts';
import { ipv4, pcap } from './captures.ts';

const diverted = invite({ headers: ['Diversion: <sip:075520000001@x>;reason=user-busy'] });
const explained = z.object({
  settings: z.string(),
  messages: z.array(
    z.object({
      where: z.string(),
      numbers: z.object({ firstCalled: z.string().nullable(), error: z.object({ status: z.number() }).nullable() }),
      explanation: z.array(z.object({ about: z.string(), where: z.string(), rule: z.string(), used: z.boolean() })),
      follows: z.array(z.string()),
    }),
  ),
});

async function file(cli: Cli, name: string, content: string | Buffer): Promise<string> {
  const at = path.join(path.dirname(cli.config), name);
  await writeFile(at, content);
  return at;
}

describe('ringaway explain', () => {
  test('tells a person what was read, by which rule, and what follows', () =>
    withCli(async (cli) => {
      const { code, out } = await cli.run(['explain', '-'], diverted.toString());
      assert.equal(code, 0);
      assert.match(out, /^Read under profile generic, country CN, area 755\./);
      assert.match(out, /first-called +\+8675520000001 +Diversion +.* 5 order 1, 5\.1 \(RFC 7544 5\)/);
      assert.match(out, /What was ignored\n.*\n +first-called +\+8675529990001 +To /);
      assert.match(out, /Look for the subscriber of, in this order: \+8675520000001, \+8675529990001\./);
      assert.match(out, /Nobody's number: answer 404\. No terminal logged in: answer 480\./);
    }));

  test('reads a capture, and answers in JSON', () =>
    withCli(async (cli) => {
      const capture = pcap(ipv4(diverted), { little: true, linkType: 101, link: Buffer.alloc(0) });
      const at = await file(cli, 'trunk.pcap', capture);
      const { settings, messages } = explained.parse(await cli.json(['explain', at, '--profile', 'china']));
      assert.equal(settings, 'profile china');
      assert.equal(messages.length, 1);
      assert.equal(messages[0]?.where, 'frame 1, 192.0.2.1:5060 to 192.0.2.9:5060');
      assert.equal(messages[0].numbers.firstCalled, '+8675520000001');
      assert.ok(messages[0].explanation.some(({ about, used }) => about === 'first-called' && used));
    }));

  test('tells what is refused, with the alarm that an emergency call deserves', () =>
    withCli(async (cli) => {
      const { code, out } = await cli.run(['explain', '-'], invite({ uri: 'sip:110@x' }).toString());
      assert.equal(code, 0);
      assert.match(out, /Answer 404: emergency calls are not for this service.*\n +Raise an alarm/);
      const dropped = await cli.run(
        ['explain', '-'],
        invite()
          .toString()
          .replace(/Via:.*\r\n/, ''),
      );
      assert.match(dropped.out, /Drop it without an answer: /);
    }));

  test('reads under a trunk of the settings file, the only one or the one that is named', () =>
    withCli(async (cli) => {
      const trunk = (name: string, area: string) => `  - { name: ${name}, peers: [10.0.0.1], areaCode: "${area}" }\n`;
      const settings = `numbering: { defaultCountry: CN, areaCode: "755" }\ntrunks:\n${trunk('a', '20')}`;
      const local = invite({ headers: ['Diversion: <tel:20000001>'] }).toString();
      const first = async (...args: string[]) =>
        explained.parse(await cli.json(['explain', '-', ...args], local)).messages[0]?.numbers.firstCalled;
      await writeFile(cli.config, settings);
      assert.equal(await first(), '+862020000001');
      await writeFile(cli.config, settings + trunk('b', '10'));
      assert.equal(await first('--trunk', 'b'), '+861020000001');
      assert.equal(await first('--profile', 'generic'), '+8675520000001');
      assert.equal(await first('--trunk', 'a', '--area', '10'), '+861020000001');
      const which = await cli.run(['explain', '-'], local);
      assert.equal(which.code, 2);
      assert.match(which.err, /has several trunks: give --trunk with one of a, b\n$/);
      assert.match(
        (await cli.run(['explain', '-', '--trunk', 'c'], local)).err,
        /there is no trunk "c".*there are a, b\n$/,
      );
    }));

  test('says in one line what is wrong with a file or the words', () =>
    withCli(async (cli) => {
      for (const [args, said] of [
        [['explain'], /give the file of a SIP message/],
        [['explain', '/nowhere/x'], /\/nowhere\/x cannot be read/],
        [['explain', 'x', '--cases', 'y'], /give either a file or --cases/],
        [['explain', '-', '--profile', 'a', '--trunk', 'b'], /give either --profile or --trunk/],
        [['explain', '-', '--profile', 'nobody'], /expected one of the trunk profiles .*china/],
        [['normalise'], /give numbers, "-", or --cases/],
        [['normalise', '1', '--cases', 'x'], /give either numbers or --cases/],
        [['normalise', '1', '--nai', 'x'], /Allowed choices are subscriber, unknown, national, international/],
      ] as const) {
        const { code, err } = await cli.run(args, 'x');
        assert.equal(code, 2, err);
        assert.match(err, said);
        assert.equal(err.trim().split('\n').length, 1);
      }
    }));
});

describe('cases', () => {
  const invites = sharedCases('invites.jsonl') ?? '';
  const rows = sharedCases('normalise.json') ?? '';
  test('all acceptance cases pass, one JSON line each', { skip: invites === '' }, () =>
    withCli(async (cli) => {
      const { code, out } = await cli.run(['explain', '--cases', '-'], invites);
      assert.equal(code, 0);
      const ids = invites
        .trimEnd()
        .split('\n')
        .map((line) => z.object({ id: z.string() }).parse(JSON.parse(line)).id);
      const verdicts = out
        .trimEnd()
        .split('\n')
        .map((line) =>
          z
            .strictObject({ id: z.string(), got: z.record(z.string(), z.unknown()), pass: z.literal(true) })
            .parse(JSON.parse(line)),
        );
      assert.deepEqual(
        verdicts.map(({ id }) => id),
        ids,
      );
      const numbers = await cli.run(['normalise', '--cases', '-'], rows);
      assert.equal(numbers.code, 0);
      assert.match(numbers.out, /^\{"input":"\+8675520000001","got":"\+8675520000001","kind":"e164","pass":true\}\n/);
    }),
  );

  test('one that fails says so, and the exit code is 1', () =>
    withCli(async (cli) => {
      const one = { id: 'X1', message: diverted.toString() };
      const facts = { caller: '+8613800138000', firstCalled: '+8675520000001' };
      const lines = [
        { ...one, expect: { ...facts, error: null } },
        { ...one, expect: { ...facts, caller: null, error: null } },
        { ...one, expect: { ...facts, error: { status: 404 } } },
        { ...one, message: '', message_base64: Buffer.from('INVITE').toString('base64'), expect: { error: null } },
        {
          ...one,
          settings: { areaCode: '', serviceNumbers: ['+8675520000009'] },
          expect: { caller: null, error: { status: 404, why: 'x' } },
        },
      ];
      const at = await file(cli, 'cases.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
      const { code, out } = await cli.run(['explain', '--cases', at]);
      assert.equal(code, 1);
      const verdicts = out
        .trimEnd()
        .split('\n')
        .map((line) => z.object({ got: z.unknown(), pass: z.boolean() }).parse(JSON.parse(line)));
      assert.deepEqual(
        verdicts.map(({ pass }) => pass),
        [true, false, false, false, true],
      );
      assert.deepEqual(verdicts[0]?.got, { ...facts, error: null });

      const rows = [
        { input: '075520000001', want: '+8675520000001', kind: 'e164' },
        { input: '95588', want: '95588', kind: 'e164' },
        { input: '20000001', settings: { areaCode: '10' }, want: '+861020000001' },
      ];
      const numbers = await cli.run(['normalise', '--cases', '-'], JSON.stringify(rows));
      assert.equal(numbers.code, 1);
      assert.deepEqual(
        numbers.out
          .trimEnd()
          .split('\n')
          .map((line) => z.object({ pass: z.boolean() }).parse(JSON.parse(line)).pass),
        [true, false, true],
      );
    }));

  test('what is no case is told with its line', () =>
    withCli(async (cli) => {
      const message = invite().toString('utf8');
      const good = JSON.stringify({ id: 'x', message, settings: { areaCode: 755 }, expect: { caller, error: null } });
      const { code, out, err } = await cli.run(['explain', '--cases', '-'], `\ufeff${good}\r\n\n{"id":1}\n{\n${good}`);
      assert.equal(code, 1);
      assert.match(err, /line 3 is no case: id /);
      assert.match(err, /line 4 is no JSON/);
      const verdict = { id: 'x', got: { caller, error: null }, pass: true };
      const lines = out
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      const none = (id: string) => ({ id, got: {}, pass: false });
      assert.deepEqual(lines, [verdict, none('line 3'), none('line 4'), verdict], 'the other lines count');
      assert.deepEqual(await cli.run(['explain', '--cases', '-'], ''), { code: 0, out: '', err: '' });
      assert.match((await cli.run(['normalise', '--cases', '-'], '[')).err, /the file is no JSON/);
    }));
});

test('ringaway normalise brings numbers into their one form', () =>
  withCli(async (cli) => {
    const { out } = await cli.run(['normalise', '0755-2000 0001', '110', '１２３', '95588']);
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
      [
        ['INPUT', 'NUMBER', 'KIND'],
        ['0755-2000 0001', '+8675520000001', 'e164'],
        ['110', '110', 'short, emergency'],
        ['???', 'no number under these settings', '-'],
        ['95588', '95588', 'short'],
      ],
    );
    const got = async (args: string[], input = '') =>
      z
        .array(z.object({ got: z.string().nullable() }))
        .parse(await cli.json(['normalise', ...args], input))
        .map((row) => row.got);
    assert.deepEqual(await got(['442079460000', '--nai', 'international']), ['+442079460000']);
    assert.deepEqual(await got(['20000001', '--context', '+8610']), ['+861020000001']);
    assert.deepEqual(await got(['02079460000', '--country', 'GB', '--area', '']), ['+442079460000']);
    assert.deepEqual(await got(['-'], '20000001\n10086\n'), ['+8675520000001', '10086']);
  }));
