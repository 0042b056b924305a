import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { describe, test } from 'node:test';
import { folderWith } from '../config/site.ts';
import { run, start } from './process.ts';

const oneLine = /^ringaway: [^\n]+\n$/;

describe('mistakes are answered with one line and exit code 2', () => {
  const mistakes: [title: string, given: string[], says: RegExp][] = [
    ['an unknown command', ['serv'], /unknown command 'serv' \(Did you mean serve\?\)/],
    ['an unknown command of a command', ['config', 'chek'], /unknown command 'chek' \(Did you mean check\?\)/],
    ['an unknown option', ['config', 'check', '--jsn'], /unknown option '--jsn'/],
    ['too many words', ['config', 'check', 'all'], /too many arguments/],
    ['no value', ['config', 'check', '--config'], /argument missing/],
    ['no such file', ['--config', '/nonexistent', 'config', 'check'], /There is no settings file \/nonexistent/],
    ['no such file for the service', ['serve', '--config', '/nonexistent'], /There is no settings file \/nonexistent/],
  ];
  for (const [title, given, says] of mistakes) {
    test(title, async () => {
      const { code, out, err } = await run(given);
      assert.match(err, says);
      assert.match(err, oneLine);
      assert.equal(out, '');
      assert.equal(code, 2);
    });
  }

  test('and in JSON with --json', async () => {
    const { code, err } = await run(['config', 'check', '--json', '--config', '/nonexistent']);
    assert.deepEqual(JSON.parse(err), {
      error: { code: 'bad-setting', message: 'There is no settings file /nonexistent' },
    });
    assert.equal(code, 2);
  });
});

describe('help', () => {
  test('names every command, and loads none', async () => {
    const { code, out } = await run(['--help']);
    assert.equal(code, 0);
    for (const noun of ['serve', 'sip-server', 'terminal', 'config', 'subscriber', 'number', 'call', 'simulate']) {
      assert.match(out, new RegExp(`^ {2}${noun} `, 'm'));
    }
    assert.match(out, /Examples:/);
  });

  for (const noun of ['serve', 'sip-server', 'terminal', 'config', 'subscriber', 'number', 'call', 'simulate']) {
    test(`of ${noun} says the same as "help ${noun}", with examples and the options of all commands`, async () => {
      const [asked, helped] = await Promise.all([run([noun, '--help']), run(['help', noun])]);
      assert.equal(asked.code, 0, asked.err);
      assert.match(asked.out, /Examples:/);
      assert.match(asked.out, /--config <file>/);
      assert.equal(helped.out, asked.out);
      assert.equal(asked.err, '');
    });
  }

  test('is what a call without a command gets, as a mistake', async () => {
    const { code, err } = await run([]);
    assert.match(err, /Usage: ringaway/);
    assert.equal(code, 2);
  });
});

describe('the settings file', () => {
  const yaml = 'node: here';
  const asked = async (given: string[], surroundings: Parameters<typeof run>[1]) => {
    const { code, out, err } = await run([...given, '--json'], surroundings);
    assert.equal(code, 0, err);
    const shown: unknown = JSON.parse(out);
    return typeof shown === 'object' && shown !== null && 'node' in shown ? shown.node : undefined;
  };

  test('is that of --config, before or after the command', async (t) => {
    const file = path.join(folderWith(t, { 'a.yaml': yaml, 'ringaway.yaml': 'node: other' }), 'a.yaml');
    const folder = path.dirname(file);
    assert.equal(await asked(['--config', 'a.yaml', 'config', 'show'], { folder }), 'here');
    assert.equal(await asked(['config', '--config', 'a.yaml', 'show'], { folder }), 'here');
    assert.equal(await asked(['config', 'show', '--config', 'a.yaml'], { folder }), 'here');
  });

  test('or of RINGAWAY_CONFIG, or ringaway.yaml where one stands, or else the defaults', async (t) => {
    const folder = folderWith(t, { 'a.yaml': yaml, 'ringaway.yaml': 'node: other' });
    const empty = folderWith(t, {});
    assert.equal(await asked(['config', 'show'], { folder, environment: { RINGAWAY_CONFIG: 'a.yaml' } }), 'here');
    assert.equal(await asked(['config', 'show'], { folder }), 'other');
    assert.equal(await asked(['config', 'show'], { folder: empty }), 'ringaway-1');
  });

  test('with several faults gives as many lines', async (t) => {
    const folder = folderWith(t, { 'ringaway.yaml': 'node: ""\nlog: { level: loud }' });
    const { code, err } = await run(['config', 'check'], { folder });
    assert.equal(code, 2);
    assert.deepEqual(
      err
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ is not valid.*/, '')),
      ['ringaway: node: ""', 'ringaway: log.level: "loud"'],
    );
  });
});

test('too old a Node gets one line that says what is needed, and no crash', async () => {
  const pretend = 'data:text/javascript,Object.defineProperty(process,"version",{value:"v20.20.2"})';
  const { code, out, err } = await run(['serve'], { node: ['--import', pretend] });
  assert.match(err, /^ringaway: needs Node 24 or newer, and this is Node 20\.20\.2\. Run "npm ci" .*\n$/);
  assert.equal(out, '');
  assert.equal(code, 1);
});

test('a reader that goes away is no fault', async () => {
  const child = start(['config', 'docs']);
  child.stdout?.destroy();
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(err, '');
  assert.equal(code, 0);
});
