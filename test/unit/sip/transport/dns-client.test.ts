import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { systemClock } from '../../../../src/shared/clock.ts';
import { CachedNames } from '../../../../src/sip/transport/name-cache.ts';
import { SystemNameServer } from '../../../../src/sip/transport/name-server.ts';
import { startDns, type ZoneRecord } from '../../../support/dns-server.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const zone: readonly ZoneRecord[] = [
  { type: 'SOA', name: 'example.test', minimum: 20, ttl: 300 },
  { type: 'A', name: 'one.example.test', address: '10.0.0.1', ttl: 30 },
  { type: 'AAAA', name: 'one.example.test', address: '2001:0db8:0000:0000:0000:0000:0000:0001', ttl: 30 },
  { type: 'CNAME', name: 'alias.example.test', target: 'One.example.test', ttl: 25 },
  { type: 'SRV', name: '_sip._udp.example.test', data: [1, 2, 5060, 'one.example.test'], ttl: 7200 },
  { type: 'NAPTR', name: 'example.test', data: [1, 2, 's', 'SIP+D2U', '_sip._udp.example.test'], ttl: 86_400 * 9 },
];

async function start(t: TestContext, records: readonly ZoneRecord[] = zone) {
  const dns = await startDns(t, records);
  return { dns, names: new SystemNameServer([dns.address], systemClock) };
}

describe('names are asked of the name servers (RFC 1035)', { timeout: 20_000 }, () => {
  test('each kind of record, with its TTL; nobody believes longer than a day', async (t) => {
    const { names } = await start(t);
    assert.deepEqual(await names.addresses('one.example.test', 4), { records: ['10.0.0.1'], ttl: 30 });
    assert.deepEqual(await names.addresses('one.example.test', 6), { records: ['2001:db8::1'], ttl: 30 });
    const server = { priority: 1, weight: 2, port: 5060, name: 'one.example.test' };
    assert.deepEqual(await names.srv('_sip._udp.example.test'), { records: [server], ttl: 7200 });
    const rule = { order: 1, preference: 2, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.example.test' };
    assert.deepEqual(await names.naptr('example.test'), { records: [rule], ttl: 86_400 });
  });

  test('what is not there is not there as long as the zone says (RFC 2308), a minute when it does not', async (t) => {
    const { dns, names } = await start(t);
    assert.deepEqual(await names.srv('gone.example.test'), { records: [], ttl: 20 });
    assert.deepEqual(await names.srv('one.example.test'), { records: [], ttl: 20 });
    dns.zone = [];
    assert.deepEqual(await names.srv('gone.example.test'), { records: [], ttl: 60 });
  });

  test('an alias is followed, also one whose target the server does not add; its TTL counts', async (t) => {
    const { dns, names } = await start(t);
    assert.deepEqual(await names.addresses('Alias.example.test', 4), { records: ['10.0.0.1'], ttl: 25 });
    dns.follows = false;
    assert.deepEqual(await names.addresses('alias.example.test', 4), { records: ['10.0.0.1'], ttl: 25 });
    dns.zone = [
      { type: 'CNAME', name: 'a.test', target: 'b.test' },
      { type: 'CNAME', name: 'b.test', target: 'a.test' },
    ];
    await assert.rejects(names.addresses('a.test', 4), /alias/);
  });

  test('an answer that was cut short is asked for over TCP', async (t) => {
    const { dns, names } = await start(t);
    dns.manner = 'truncating';
    assert.deepEqual((await names.addresses('one.example.test', 4)).records, ['10.0.0.1']);
    assert.deepEqual(dns.asked, ['A one.example.test', 'over TCP', 'A one.example.test']);
  });

  test('an answer to something else is no answer (RFC 5452 9.1)', async (t) => {
    const { dns, names } = await start(t, [...zone, { type: 'A', name: 'xne.example.test', address: '10.6.6.6' }]);
    dns.manner = 'forged';
    assert.deepEqual((await names.addresses('one.example.test', 4)).records, ['10.0.0.1']);
  });

  test('a server that cannot answer is followed by the next, which is asked first from then on', async (t) => {
    const [faulty, right] = [await startDns(t, zone), await startDns(t, zone)];
    faulty.manner = 'faulty';
    const names = new SystemNameServer([faulty.address, right.address], systemClock);
    assert.deepEqual((await names.addresses('one.example.test', 4)).records, ['10.0.0.1']);
    await names.addresses('one.example.test', 4);
    assert.equal(faulty.asked.length, 1);
    assert.equal(right.asked.length, 2);
    right.manner = 'faulty';
    await assert.rejects(names.addresses('one.example.test', 4), /answered with code 2/);
  });

  test('a server that is silent is asked twice, one that is not there does not hold us up', async (t) => {
    const silent = await startDns(t, zone);
    silent.manner = 'silent';
    const clock = new FakeClock();
    const names = new SystemNameServer([silent.address], clock);
    const refused = assert.rejects(names.addresses('one.example.test', 4), /no answer within 2000 ms/);
    await clock.advance(1_000);
    await clock.advance(2_000);
    await refused;
    assert.equal(clock.pendingTimers, 0);

    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address();
    closed.close();
    const right = await startDns(t, zone);
    const others = new SystemNameServer([`127.0.0.1:${port}`, right.address], systemClock);
    assert.deepEqual((await others.addresses('one.example.test', 4)).records, ['10.0.0.1']);
  });

  test('SRV and NAPTR are kept for their own TTL, and so is their absence', async (t) => {
    const { dns, names } = await start(t);
    const clock = new FakeClock();
    const kept = new CachedNames(names, clock);
    const asked = async (): Promise<number> => {
      await kept.srv('_sip._udp.example.test');
      await kept.srv('gone.example.test');
      await kept.naptr('example.test');
      return dns.asked.length;
    };
    assert.equal(await asked(), 3);
    await clock.advance(19_999);
    assert.equal(await asked(), 3);
    await clock.advance(2); // the absence is over
    assert.equal(await asked(), 4);
    await clock.advance(7_180_000);
    assert.equal(await asked(), 6); // SRV and the absence
    await clock.advance(79_200_000);
    assert.equal(await asked(), 9);
  });

  test('while no name server answers, what it said last stands in for a day (RFC 8767); an unknown name fails', async (t) => {
    const { dns, names } = await start(t);
    const clock = new FakeClock();
    const kept = new CachedNames(names, clock);
    const fresh = await kept.addresses('one.example.test', 4);
    dns.manner = 'faulty';
    await clock.advance(30_001);
    assert.deepEqual(await kept.addresses('one.example.test', 4), fresh);
    const asked = dns.asked.length;
    await clock.advance(29_000);
    assert.deepEqual(await kept.addresses('one.example.test', 4), fresh);
    assert.equal(dns.asked.length, asked); // not asked at every call
    await assert.rejects(kept.addresses('two.example.test', 4));
    await clock.advance(86_400_000);
    await assert.rejects(kept.addresses('one.example.test', 4));
    dns.manner = 'right';
    assert.deepEqual(await kept.addresses('one.example.test', 4), fresh);
  });
});
