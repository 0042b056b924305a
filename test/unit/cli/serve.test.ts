import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { folderWith } from '../config/site.ts';
import { lineOf, outcomeOf, run, start } from './process.ts';

const site = 'sip: { listen: [udp://127.0.0.1:0, tcp://127.0.0.1:0] }\nstore: { path: ./data }\nlog: { level: warn }\n';

function service(context: TestContext): ChildProcess {
  const folder = folderWith(context, { 'ringaway.yaml': `${site}http: { listen: 127.0.0.1:0 }` });
  const child = start(['serve'], { folder });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`the service says what listens where, answers, and ends with 0 after ${signal}`, async (t) => {
    const child = service(t);
    const ready = await lineOf(child, 'stderr', /is ready/);
    const http = /http:\/\/127\.0\.0\.1:\d+/.exec(ready)?.[0] ?? '';
    assert.match(
      ready,
      /SIP udp:\/\/127\.0\.0\.1:\d+ tcp:\/\/127\.0\.0\.1:\d+; .*media direct; store .*data; no trunk is set/,
    );
    assert.equal((await fetch(`${http}/ready`)).status, 200);
    child.kill(signal);
    const { code } = await outcomeOf(child);
    assert.equal(code, 0);
  });
}

test('a port that is taken is one line and exit code 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const folder = folderWith(t, { 'ringaway.yaml': `${site}http: { listen: 127.0.0.1:${port ?? 0} }` });
  const { code, out, err } = await run(['serve'], { folder });
  assert.match(err, /^ringaway: http\.listen: 127\.0\.0\.1:\d+ is in use by another program; [^\n]+\n$/);
  assert.equal(out, '');
  assert.equal(code, 1);
});

/** `serve` with a service whose `start` is this code. */
function serveWith(context: TestContext, code: string): ChildProcess {
  const folder = folderWith(context, { 'ringaway.yaml': 'log: { level: info }\ncalls: { drainWithin: 1h }' });
  const source = (name: string) => JSON.stringify(new URL(`../../../src/${name}`, import.meta.url).href);
  const script = `
    import { serve } from ${source('cli/commands/serve.ts')};
    import { loadSettings } from ${source('config.ts')};
    const settings = loadSettings({ file: 'ringaway.yaml', environment: {} });
    const alive = setInterval(() => undefined, 1e6);
    const running = { http: { address: 'x' }, sip: { listening: [] }, drain: async () => {}, close: async () => clearInterval(alive) };
    await serve(settings, async (_, tools) => { ${code} }, () => settings);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, timeout: 60_000 });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

test('a promise that failed without an owner is logged and counted, and the service goes on', async (t) => {
  const child = serveWith(
    t,
    `process.once('SIGUSR2', () => console.error('counted ' + tools.unhandledRejections()));
     Promise.reject(new Error('lost')); return running;`,
  );
  const [line] = await Promise.all([lineOf(child, 'stdout', /nobody took care/), lineOf(child, 'stderr', /is ready/)]);
  assert.partialDeepStrictEqual(JSON.parse(line), { level: 60, err: { message: 'lost' } });
  child.kill('SIGUSR2');
  await lineOf(child, 'stderr', /counted 1/);
  child.kill('SIGTERM');
  assert.equal((await outcomeOf(child)).code, 0);
});

test('an exception that nothing caught is logged and ends the process with 1', async (t) => {
  const child = serveWith(t, `setImmediate(() => { throw new Error('broken'); }); return running;`);
  const { code, out } = await outcomeOf(child);
  assert.match(out, /"message":"broken"/);
  assert.equal(code, 1);
});

test('a second signal ends a drain at once', async (t) => {
  const child = serveWith(t, `return { ...running, drain: () => new Promise(() => {}) };`);
  await lineOf(child, 'stderr', /is ready/);
  child.kill('SIGTERM');
  await lineOf(child, 'stdout', /is stopping/);
  child.kill('SIGTERM');
  assert.equal((await outcomeOf(child)).code, 143);
});
