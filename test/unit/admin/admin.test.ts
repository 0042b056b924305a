import assert from 'node:assert/strict';
import { createServer, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { createAdmin, type AdminOptions } from '../../../src/admin/admin.ts';
import { createMetrics } from '../../../src/admin/metrics.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function optionsWith(checks: AdminOptions['checks'], more: Partial<AdminOptions> = {}): AdminOptions {
  const settings = { listen: { host: '127.0.0.1', port: 0 }, trustProxy: false };
  return { settings, checks, metrics: createMetrics(), log: silentLog, clock: systemClock, ...more };
}

/** An admin that listens until the test is over; gives its address. */
async function listening(context: TestContext, ...given: Parameters<typeof optionsWith>): Promise<string> {
  const admin = createAdmin(optionsWith(...given));
  context.after(() => admin.close());
  return admin.listen();
}

async function get(address: string, path: string, init: RequestInit = {}) {
  const response = await fetch(`${address}${path}`, init);
  const body: unknown = response.headers.get('content-type')?.includes('json') ? await response.json() : undefined;
  return { status: response.status, headers: response.headers, body };
}

describe('the HTTP side', () => {
  test('is alive whatever its parts say', async (t) => {
    const address = await listening(t, { store: () => Promise.reject(new Error('the disk is full')) });
    assert.equal((await get(address, '/health')).status, 200);
  });

  test('is ready when every part is', async (t) => {
    const address = await listening(t, { store: () => Promise.resolve(), sip: () => undefined });
    const { status, body } = await get(address, '/ready');
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(body, { ready: true, checks: { store: { ok: true }, sip: { ok: true } } });
  });

  test('says which part is not ready, and why', async (t) => {
    const address = await listening(t, {
      store: () => Promise.reject(new Error('the disk is full')),
      calls: () => {
        throw new Error('the service is stopping');
      },
      sip: () => undefined,
    });
    const { status, body } = await get(address, '/ready');
    assert.equal(status, 503);
    assert.partialDeepStrictEqual(body, {
      ready: false,
      checks: {
        store: { ok: false, reason: 'the disk is full' },
        calls: { ok: false, reason: 'the service is stopping' },
        sip: { ok: true },
      },
    });
  });

  test('waits for no part for ever', async (t) => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<undefined>();
    const never = () => {
      asked.resolve(undefined);
      return new Promise<void>(() => undefined);
    };
    const address = await listening(t, { store: never }, { clock });
    const answer = get(address, '/ready');
    await asked.promise;
    await clock.advance(2_000);
    assert.partialDeepStrictEqual((await answer).body, { checks: { store: { ok: false } } });
    assert.equal(clock.pendingTimers, 0);
  });

  test('tells Prometheus what was measured', async (t) => {
    const metrics = createMetrics();
    metrics.calls.callEnded('completed');
    const response = await fetch(`${await listening(t, {}, { metrics })}/metrics`);
    assert.equal(response.headers.get('content-type'), metrics.contentType);
    assert.match(await response.text(), /^ringaway_calls_ended_total\{reason="completed"\} 1$/m);
  });

  test('answers what it does not have, or cannot read, in JSON', async (t) => {
    const address = await listening(t, {});
    const missing = await get(address, '/nothing?token=secret');
    assert.equal(missing.status, 404);
    assert.deepEqual(missing.body, { error: { code: 'not-found', message: 'There is nothing at GET /nothing' } });
    const large = await get(address, '/health', { method: 'POST', body: 'x'.repeat(100_000) });
    assert.ok(large.status >= 400 && large.status < 500, String(large.status));
    const malformed = connect(Number(new URL(address).port), '127.0.0.1');
    malformed.end('NONSENSE\r\n\r\n');
    assert.match(await text(malformed), /^HTTP\/1\.1 400 /);
    assert.equal((await get(address, '/health')).status, 200);
  });

  test('keeps what went wrong inside to itself', async (t) => {
    const metrics = { ...createMetrics(), text: () => Promise.reject(new Error('at /secret/path')) };
    const { status, body } = await get(await listening(t, {}, { metrics }), '/metrics');
    assert.equal(status, 500);
    assert.deepEqual(body, { error: { code: 'internal', message: 'A fault of ringaway; its log says more' } });
  });

  test('lets nobody sniff, frame or keep its answers', async (t) => {
    const { headers } = await get(await listening(t, {}), '/nothing');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('refuses a port that is taken with one line', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.after(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const settings = { listen: { host: '127.0.0.1', port }, trustProxy: false };
    await assert.rejects(listening(t, {}, { settings }), {
      code: 'address-in-use',
      message: /is in use by another program/,
    });
  });
});
