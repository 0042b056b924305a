// A call of SIP-I through the whole service: what was dialled stands in the binary IAM only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { answerSdp, offerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { Endpoint } from '../../../src/simulate/sip/endpoint.ts';
import type { Session } from '../../../src/simulate/sip/session.ts';
import { drachtioSipPort, withoutNul } from '../../support/drachtio.ts';
import { eventually } from '../../support/eventually.ts';
import { initialAddress, sipI } from '../../support/isup.ts';
import { type Site, startSite } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
};

for (const server of ['the built-in SIP server', 'drachtio-server'] as const) {
  const skip = server === 'drachtio-server' && (await withoutNul());
  test(
    `a call of SIP-I is told with the numbers of its binary IAM, transferred and connected; its ISUP goes no further: ${server}`,
    { skip, timeout: 60_000 },
    async () => {
      await using world = await open(server === 'drachtio-server');
      await callOfSipI(world);
    },
  );
}

interface World extends AsyncDisposable {
  /** The operator's switch: sends the call to us, and takes ours. */
  exchange: Endpoint;
  site: Site;
  /** `address:port` where the service takes the call. */
  trunk: string;
}

async function open(elsewhere: boolean): Promise<World> {
  const exchange = await Endpoint.open('127.0.0.1', 0, { clock: systemClock, log: silentLog, seen: () => undefined });
  const site = await startSite(exchange.hostPort, elsewhere ? { sip: { server: process.env['DRACHTIO_URL'] } } : {});
  await site.subscribe('shop1', numbers.first);
  await eventually(
    '/ready is 200',
    async () => (await fetch(`http://${site.service.http.address}/ready`)).status === 200,
  );
  return {
    exchange,
    site,
    trunk: elsewhere ? `127.0.0.1:${await drachtioSipPort()}` : site.trunk,
    async [Symbol.asyncDispose]() {
      await site.close();
      await exchange.close();
    },
  };
}

async function callOfSipI({ exchange, site, trunk }: World): Promise<void> {
  const target = Promise.withResolvers<Session>();
  exchange.answerWith((session) => {
    target.resolve(session);
    queueMicrotask(() => session.accept(answerSdp(session.offer, { address: '127.0.0.1', port: 41_002 }).sdp));
    return {};
  });
  const terminal = await site.terminal('shop1');
  const { caller, first, second, final } = numbers;
  const iam = initialAddress({ called: second, calling: caller, originalCalled: first, reason: 2 });
  const { contentType, body } = sipI(offerSdp({ address: '127.0.0.1', port: 41_000 }), iam);
  const standing = Promise.withResolvers<string>();
  const call = exchange.call(
    `sip:${second}@${trunk};user=phone`,
    '<sip:unavailable@unknown.invalid>',
    `<sip:${second}@${trunk};user=phone>`,
    body,
    [
      ['Content-Type', contentType],
      ['MIME-Version', '1.0'],
    ],
    { standing: (sdp) => standing.resolve(sdp), refused: (status) => standing.reject(new Error(String(status))) },
  );
  const told = await terminal.incoming();
  assert.deepEqual([told.caller, told.firstCalled, told.secondCalled], [caller, first, second]);
  assert.ok((await terminal.client.transfer({ callId: told.id, to: final })).ok);
  assert.match(await standing.promise, /m=audio 41002 /);
  await terminal.state('connected');

  const { invite } = await target.promise;
  assert.equal(invite?.get('Content-Type'), 'application/sdp');
  assert.equal(invite.body.toString(), offerSdp({ address: '127.0.0.1', port: 41_000 }));
  assert.match(invite.get('From') ?? '', /^<sip:\+8613800138000@/);
  assert.match(invite.get('Diversion') ?? '', /^<sip:\+8675520000001@[^>]*>;reason=no-answer;counter=1/);

  call.hangUp('Q.850;cause=16');
  assert.equal((await terminal.ended()).end?.reason, 'completed');
  const record = await site.closedRecord({ account: 'shop1' });
  assert.deepEqual(
    [record.caller, record.firstCalled, record.firstCalledSource, record.secondCalled, record.finalCalled],
    [caller, first, 'isup-ocn', second, final],
  );
  await eventually('the end of the call at the network', () => exchange.standing === 0);
}
