import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { TransportName } from '../../../../src/sip/transport/addresses.ts';
import { Locator, Unlocatable, type Reach } from '../../../../src/sip/transport/locator.ts';
import { SystemNameServer, type SrvRecord } from '../../../../src/sip/transport/name-server.ts';
import { inOrder } from '../../../../src/sip/transport/srv-order.ts';
import { startDns, type DnsServer, type ZoneRecord } from '../../../support/dns-server.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

interface World {
  readonly locator: Locator;
  readonly dns: DnsServer;
  readonly clock: FakeClock;
  /** All targets of a URI, as `udp 10.0.0.1 5060`. */
  readonly find: (uri: string, octets?: number) => Promise<string[]>;
}

async function world(
  context: TestContext,
  zone: readonly ZoneRecord[],
  options: { listen?: readonly TransportName[]; families?: readonly (4 | 6)[]; tcpTo?: string } = {},
): Promise<World> {
  const dns = await startDns(context, zone);
  const clock = new FakeClock();
  const reach: Reach = {
    listensOn: (transport) => (options.listen ?? ['udp', 'tcp', 'tls']).includes(transport),
    families: () => options.families ?? [4],
    connectedTo: (host, port) =>
      host === 'a.invalid' || port === 9 ? { transport: 'wss', address: '10.9.9.9', port: 9 } : undefined,
    hasTcp: (address) => address === options.tcpTo,
  };
  const locator = new Locator({ reach, names: new SystemNameServer([dns.address], clock), clock, random: () => 0.999 });
  const find = async (uri: string, octets = 0): Promise<string[]> => {
    const targets = await locator.locateAll(uri, octets);
    return targets.map(({ transport, address, port, domain }) =>
      [transport, address, port, ...(domain === undefined ? [] : [domain])].join(' '),
    );
  };
  return { locator, dns, clock, find };
}

const hosts: ZoneRecord[] = [
  { type: 'A', name: 'one.example.test', address: '10.0.0.1' },
  { type: 'A', name: 'two.example.test', address: '10.0.0.2' },
  { type: 'A', name: 'three.example.test', address: '10.0.0.3' },
];
const srv = (name: string, ...data: [number, number, number, string]): ZoneRecord => ({ type: 'SRV', name, data });
const naptr = (...data: [number, number, string, string, string]): ZoneRecord => ({
  type: 'NAPTR',
  name: 'example.test',
  data,
});

describe('where a request goes (RFC 3263)', { timeout: 20_000 }, () => {
  test('addresses are never looked up', async (t) => {
    const { find, dns } = await world(t, []);
    assert.deepEqual(await find('sip:10.1.2.3'), ['udp 10.1.2.3 5060']);
    assert.deepEqual(await find('sip:u@[2001:db8::1]:5070;transport=TCP'), ['tcp 2001:db8::1 5070']);
    assert.deepEqual(await find('sips:10.1.2.3'), ['tls 10.1.2.3 5061']);
    assert.deepEqual(await find('sips:10.1.2.3;transport=tcp'), ['tls 10.1.2.3 5061']);
    assert.deepEqual(await find('sip:example.test;maddr=10.1.2.3;transport=tls'), ['tls 10.1.2.3 5061 example.test']);
    assert.deepEqual(dns.asked, []);
  });

  test('4.1: NAPTR says which transports, in the order of the domain; what we have not is left out', async (t) => {
    const zone = [
      ...hosts,
      naptr(20, 10, 's', 'SIP+D2U', '_sip._udp.example.test'),
      naptr(10, 20, 's', 'SIP+D2T', 'tcp.example.test'),
      naptr(10, 10, 's', 'SIPS+D2T', '_sips._tcp.example.test'),
      naptr(1, 1, 's', 'SIP+D2S', '_sip._sctp.example.test'),
      naptr(1, 1, 'u', 'E2U+sip', ''),
      srv('_sip._udp.example.test', 0, 0, 5080, 'one.example.test'),
      srv('tcp.example.test', 0, 0, 5081, 'two.example.test'),
      srv('_sips._tcp.example.test', 0, 0, 5082, 'three.example.test'),
    ];
    const all = await world(t, zone);
    const [tls, tcp, udp] = ['tls 10.0.0.3 5082 example.test', 'tcp 10.0.0.2 5081', 'udp 10.0.0.1 5080'];
    assert.deepEqual(await all.find('sip:u@example.test'), [tls, tcp, udp]);
    assert.deepEqual(await all.find('sips:u@example.test'), [tls]);
    const plain = await world(t, zone, { listen: ['udp', 'tcp'] });
    assert.deepEqual(await plain.find('sip:u@example.test'), [tcp, udp]);
  });

  test('4.1: without NAPTR the SRV of each transport, ours first; 4.2: without those the address', async (t) => {
    const { find } = await world(t, [
      ...hosts,
      srv('_sip._tcp.example.test', 0, 0, 5081, 'two.example.test'),
      srv('_sip._udp.example.test', 0, 0, 5080, 'one.example.test'),
    ]);
    assert.deepEqual(await find('sip:example.test'), ['udp 10.0.0.1 5080', 'tcp 10.0.0.2 5081']);
    assert.deepEqual(await find('sip:one.example.test'), ['udp 10.0.0.1 5060']);
    assert.deepEqual(await find('sips:one.example.test'), ['tls 10.0.0.1 5061 one.example.test']);
  });

  test('4.2: a transport that is given asks for its own SRV', async (t) => {
    const { find, dns } = await world(t, [
      ...hosts,
      srv('_sip._tcp.one.example.test', 0, 0, 5081, 'two.example.test'),
      srv('_sips._tcp.one.example.test', 0, 0, 5082, 'three.example.test'),
    ]);
    assert.deepEqual(await find('sip:one.example.test;transport=tcp'), ['tcp 10.0.0.2 5081']);
    assert.deepEqual(await find('sip:one.example.test;transport=tls'), ['tls 10.0.0.3 5082 one.example.test']);
    assert.ok(!dns.asked.some((question) => question.startsWith('NAPTR')));
  });

  test('4.2: a port that is given asks for addresses only', async (t) => {
    const { find, dns } = await world(t, [
      ...hosts,
      srv('_sip._tcp.three.example.test', 0, 0, 5081, 'two.example.test'),
    ]);
    assert.deepEqual(await find('sip:two.example.test:5090'), ['udp 10.0.0.2 5090']);
    assert.deepEqual(await find('sip:three.example.test:5090;transport=tcp'), ['tcp 10.0.0.3 5090']);
    assert.deepEqual(dns.asked, ['A two.example.test', 'A three.example.test']);
  });

  test('servers by priority; one without an address is passed over; several addresses are all there', async (t) => {
    const { find } = await world(t, [
      ...hosts,
      { type: 'A', name: 'one.example.test', address: '10.0.0.11' },
      srv('_sip._udp.example.test', 20, 0, 5060, 'one.example.test'),
      srv('_sip._udp.example.test', 10, 0, 5060, 'nowhere.example.test'),
      srv('_sip._udp.example.test', 10, 0, 5061, 'two.example.test'),
    ]);
    const [first, ...others] = await find('sip:example.test;transport=udp');
    assert.equal(first, 'udp 10.0.0.2 5061');
    assert.deepEqual(others.sort(), ['udp 10.0.0.1 5060', 'udp 10.0.0.11 5060']);
  });

  test('IPv6 where we have it', async (t) => {
    const zone: ZoneRecord[] = [
      ...hosts,
      { type: 'AAAA', name: 'one.example.test', address: '2001:0db8:0000:0000:0000:0000:0000:0001' },
    ];
    const both = await world(t, zone, { families: [4, 6] });
    assert.deepEqual(await both.find('sip:one.example.test'), ['udp 10.0.0.1 5060', 'udp 2001:db8::1 5060']);
    const six = await world(t, zone, { families: [6] });
    assert.deepEqual(await six.find('sip:one.example.test'), ['udp 2001:db8::1 5060']);
    assert.ok(!six.dns.asked.includes('A one.example.test'));
  });

  test('answers are believed as long as their TTL says', async (t) => {
    const zone: ZoneRecord[] = [{ type: 'A', name: 'one.example.test', address: '10.0.0.1', ttl: 30 }];
    const { find, dns, clock } = await world(t, zone);
    const uri = 'sip:one.example.test:5060';
    assert.deepEqual(await Promise.all([find(uri), find(uri)]), [['udp 10.0.0.1 5060'], ['udp 10.0.0.1 5060']]);
    dns.zone = [{ type: 'A', name: 'one.example.test', address: '10.0.0.9', ttl: 30 }];
    await clock.advance(29_999);
    assert.deepEqual(await find(uri), ['udp 10.0.0.1 5060']);
    assert.deepEqual(dns.asked, ['A one.example.test']);
    await clock.advance(2);
    assert.deepEqual(await find(uri), ['udp 10.0.0.9 5060']);
  });

  test('a target that failed comes last for a minute', async (t) => {
    const { find, locator, clock } = await world(t, [
      ...hosts,
      srv('_sip._udp.example.test', 1, 0, 5060, 'one.example.test'),
      srv('_sip._udp.example.test', 2, 0, 5060, 'two.example.test'),
    ]);
    const uri = 'sip:example.test;transport=udp';
    const [one, two] = ['udp 10.0.0.1 5060', 'udp 10.0.0.2 5060'];
    locator.failed({ transport: 'udp', address: '10.0.0.1', port: 5060 });
    assert.deepEqual(await find(uri), [two, one]);
    await clock.advance(60_001);
    assert.deepEqual(await find(uri), [one, two]);
  });

  test('RFC 3261 18.1.1: a large request prefers TCP where it may, and UDP stays behind it', async (t) => {
    const options = { tcpTo: '10.7.7.7' };
    const { find, locator } = await world(t, hosts, options);
    const uri = 'sip:one.example.test';
    assert.deepEqual(await find(uri, 1300), ['udp 10.0.0.1 5060']);
    assert.deepEqual(await find(uri, 1301), ['tcp 10.0.0.1 5060', 'udp 10.0.0.1 5060']);
    assert.deepEqual(await find(`${uri};transport=udp`, 1301), ['udp 10.0.0.1 5060']);
    assert.deepEqual(await find('sip:10.6.6.6', 1301), ['udp 10.6.6.6 5060']);
    assert.deepEqual(await find('sip:10.7.7.7', 1301), ['tcp 10.7.7.7 5060', 'udp 10.7.7.7 5060']);
    locator.failed({ transport: 'tcp', address: '10.0.0.1', port: 5060 });
    assert.deepEqual(await find(uri, 1301), ['udp 10.0.0.1 5060', 'tcp 10.0.0.1 5060']);
    const withoutTcp = await world(t, hosts, { listen: ['udp'] });
    assert.deepEqual(await withoutTcp.find(uri, 1301), ['udp 10.0.0.1 5060']);
  });

  test('a WebSocket client is found by its connection only', async (t) => {
    const { find, dns } = await world(t, []);
    assert.deepEqual(await find('sip:u@a.invalid;transport=ws'), ['wss 10.9.9.9 9']);
    assert.deepEqual(await find('sip:u@10.9.9.9:9;transport=ws'), ['wss 10.9.9.9 9']);
    await assert.rejects(find('sip:u@b.invalid;transport=ws'), Unlocatable);
    assert.deepEqual(dns.asked, []);
  });

  test('what leads nowhere says so', async (t) => {
    const { find } = await world(t, hosts);
    for (const uri of [
      'tel:+123',
      'sip:',
      'sip:gone.example.test',
      'sip:10.0.0.1;transport=sctp',
      'sips:10.0.0.1;transport=udp',
    ]) {
      await assert.rejects(find(uri), Unlocatable, uri);
    }
  });

  test('a name server that is silent is given up in time', async () => {
    const clock = new FakeClock();
    const silent = (): Promise<never> => new Promise(() => undefined);
    const reach: Reach = {
      listensOn: () => true,
      families: () => [4],
      connectedTo: () => undefined,
      hasTcp: () => false,
    };
    const locator = new Locator({ reach, names: { naptr: silent, srv: silent, addresses: silent }, clock });
    const refused = assert.rejects(locator.locate('sip:one.example.test'), Unlocatable);
    await clock.advance(5_000);
    await refused;
  });
});

describe('servers of one priority are drawn by weight (RFC 2782)', () => {
  const record = (name: string, weight: number, priority = 0): SrvRecord => ({ priority, weight, port: 1, name });
  const names = (random: number, ...records: SrvRecord[]) => inOrder(records, () => random).map(({ name }) => name);

  test('the draw goes through the sum of the weights', () => {
    const [heavy, light, none] = [record('heavy', 90), record('light', 10), record('none', 0)];
    assert.deepEqual(names(0, heavy, light, none), ['none', 'heavy', 'light']);
    assert.deepEqual(names(0.5, heavy, light, none), ['heavy', 'light', 'none']);
    assert.deepEqual(names(0.999, heavy, light, none), ['light', 'heavy', 'none']);
  });

  test('each comes first as often as its weight says', () => {
    let first = 0;
    const [heavy, light] = [record('heavy', 75), record('light', 25)];
    for (let i = 0; i < 1_000; i++) if (names(i / 1_000, heavy, light)[0] === 'heavy') first++;
    assert.ok(first > 735 && first < 765, String(first));
  });

  test('a lower priority goes before whatever weight; "." is no server', () => {
    assert.deepEqual(names(0.9, record('b', 100, 2), record('a', 0, 1), record('.', 0, 0)), ['a', 'b']);
  });
});
