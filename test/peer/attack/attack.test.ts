// The running product under attack. While each lasts, and afterwards, calls are placed that must work; one call stands through all.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { loadCorpus } from '../../fuzz/corpus.ts';
import { inputOf } from '../../fuzz/fuzz.ts';
import { Connections, run, toolMissing } from '../../support/attackers.ts';
import { Authority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { scenario } from '../../support/sipp-scenarios.ts';
import { Sipp, sippMissing } from '../../support/sipp.ts';
import { AttackedSite, operator, overloaded } from './site.ts';

/** Octets by which the process may grow under all of it. */
const growth = 128 * 1024 * 1024;

describe('the running product under attack', { timeout: 180_000 }, () => {
  const cleanUp: (() => void)[] = [];
  let site: AttackedSite;
  let memory: number;

  before(async () => {
    site = await AttackedSite.open(new Authority({ after: (action: () => void) => cleanUp.push(action) }));
    assert.equal(await site.wholeCall(), 'completed');
    memory = site.memory;
    site.standing.ask();
  });
  after(async () => {
    await site.close();
    for (const action of cleanUp) action();
  });

  test(
    'scanners (sipvicious) find neither a server nor numbers, and are counted',
    { skip: toolMissing('svmap', 'sipvicious') ?? false },
    async () => {
      const { udp } = site.ports;
      const before = await site.faults('scanner');
      const attacks = Promise.all([
        run('svmap', ['-p', `${udp}`, '-P', '15060', '127.0.0.1'], 6_000),
        run('svwar', ['-p', `${udp}`, '-P', '15160', '-e', '100-130', '--force', '-m', 'INVITE', '127.0.0.1'], 6_000),
        run('svcrack', ['-p', `${udp}`, '-P', '15260', '-u', '100', '-r', '1-30', '127.0.0.1'], 6_000),
      ]);
      assert.equal(await site.wholeCall(), 'completed');
      const [map, war, crack] = await attacks;
      assert.doesNotMatch(map, /127\.0\.0\.1:\d+/, `svmap found us: ${map}`);
      assert.doesNotMatch(war, /reqauth|noauth|weird|\| *1\d\d *\|/, `svwar found numbers: ${war}`);
      assert.doesNotMatch(crack, /\| *100 *\|/, `svcrack found a password: ${crack}`);
      assert.ok((await site.faults('scanner')) >= before + 3, 'each of them was counted');
    },
  );

  test(
    'a stranger with no known name (sipsak) is told 403 a few times and then nothing, whatever he floods with',
    { skip: toolMissing('sipsak', 'sipsak') ?? false },
    async () => {
      const uri = `sip:100@127.0.0.1:${site.ports.udp}`;
      const dropped = await site.faults('scanner');
      assert.match(await run('sipsak', ['-vv', '-s', uri], 5_000), /SIP\/2\.0 403/);
      const flood = run('sipsak', ['-F', '-e', '5000', '-s', uri], 8_000);
      const rubbish = run('sipsak', ['-R', '-s', uri], 3_000);
      assert.equal(await site.wholeCall(), 'completed');
      await Promise.all([flood, rubbish]);
      await eventually('thousands are dropped', async () => (await site.faults('scanner')) > dropped + 2_000);
      assert.doesNotMatch(await run('sipsak', ['-vv', '-s', uri], 2_000), /SIP\/2\.0 \d/);
    },
  );

  test(
    'a peer that sends too many INVITEs (SIPp) hears 503 with Retry-After, and other peers are served',
    { skip: sippMissing() ?? false },
    async () => {
      const refused = await site.faults('refused');
      const flood = await Sipp.start({
        scenario: flooding,
        remote: `127.0.0.1:${site.ports.udp}`,
        from: overloaded,
        calls: 600,
        rate: 200,
        patience: 20,
      });
      try {
        await flood.received('SIP/2.0 503');
        assert.equal(await site.wholeCall(), 'completed');
        const { headers } = await flood.received('SIP/2.0 503');
        assert.ok(headers.some((line) => /^Retry-After: *\d+/i.test(line)));
        await eventually('hundreds are refused', async () => (await site.faults('refused')) > refused + 200);
        assert.ok(await flood.received('SIP/2.0 404'), 'what the limit allows is served');
      } finally {
        await flood.close();
      }
    },
  );

  test('a flood of INVITEs with ever other addresses is dropped, and peers are served', async () => {
    const refused = await site.faults('refused');
    const strangers = await site.scene.metric('ringaway_trunk_events_total{event="refusedPeers"}');
    const sockets = Array.from({ length: 200 }, (_, n) => createSocket('udp4').bind(0, `127.0.2.${n + 1}`));
    try {
      const call = site.wholeCall();
      for (let n = 0; n < 2_000; n++) {
        sockets[n % sockets.length]?.send(inviteOf(n), site.ports.udp, '127.0.0.1');
        if (n % 50 === 0) await pause(10);
      }
      assert.equal(await call, 'completed');
      await eventually('most are dropped', async () => (await site.faults('refused')) > refused + 1_500);
      const passed = (await site.scene.metric('ringaway_trunk_events_total{event="refusedPeers"}')) - strangers;
      assert.ok(passed < 400, `${passed} of them came as far as the application`);
    } finally {
      for (const socket of sockets) socket.close();
    }
  });

  test('connections that come to no end are ended, each for its own reason', async () => {
    const { tcp, ws, tls } = site.ports;
    const reasons = ['silent', 'handshake', 'slow'] as const;
    const counts = () => Promise.all(reasons.map((why) => site.givenUp(why)));
    const before = await counts();
    const descriptors = site.descriptors;
    const slow = new Connections(10, '127.0.0.8', tcp, 'INVITE sip:x@127.0.0.1 SIP/2.0\r\n');
    const drip = setInterval(() => slow.sockets.forEach((socket) => void socket.write('a')), 100);
    const attacks = [
      slow,
      new Connections(10, '127.0.0.5', tcp), // nothing sent
      new Connections(10, '127.0.0.6', tls, Buffer.from('16030100', 'hex')), // the beginning of a handshake
      new Connections(10, '127.0.0.7', ws, 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n'),
    ];
    try {
      assert.equal(await site.wholeCall(), 'completed');
      await eventually('all of them ended', () => attacks.every(({ open }) => open === 0), 8_000);
      const ended = (await counts()).map((count, index) => count - (before[index] ?? 0));
      assert.deepEqual(ended, [10, 20, 10]);
      await eventually('no more files open than before', () => site.descriptors <= descriptors + 3);
    } finally {
      clearInterval(drip);
      for (const attack of attacks) attack.close();
    }
  });

  test('a flood of connections from many addresses leaves room for the operator', async () => {
    const { tcp } = site.ports;
    const crowdedOut = await site.givenUp('crowded-out');
    const attacks = Array.from({ length: 5 }, (_, index) => new Connections(40, `127.0.1.${index + 1}`, tcp));
    try {
      await eventually(
        'they crowd each other out',
        async () => (await site.givenUp('crowded-out')) >= crowdedOut + 140,
      );
      assert.match(await optionsOverTcp(tcp), /^SIP\/2\.0 200/);
      assert.equal(await site.wholeCall(), 'completed');
    } finally {
      for (const attack of attacks) attack.close();
    }
  });

  test('rubbish made like SIP (the fuzzer) over UDP', async () => {
    const corpus = loadCorpus();
    const malformed = await site.faults('malformed');
    const socket = createSocket('udp4').bind(0, '127.0.0.9');
    try {
      const call = site.wholeCall();
      for (let n = 0; n < 3_000; n++) {
        const octets = inputOf(20261127, n, corpus);
        if (octets.length < 60_000) socket.send(octets, site.ports.udp, '127.0.0.1');
        if (n % 50 === 0) await pause(10);
      }
      assert.equal(await call, 'completed');
      await eventually('most was malformed', async () => (await site.faults('malformed')) > malformed + 1_000);
    } finally {
      socket.close();
    }
  });

  test('after all of it: the standing call stood undisturbed, the process is as it was, and calls work', async (t) => {
    await site.standing.stopAsking();
    const { answered } = site.standing;
    answered.sort((a, b) => a - b);
    t.diagnostic(
      `${answered.length} questions in the standing call: half answered within ${answered[answered.length >> 1]?.toFixed(1)} ms, all within ${answered.at(-1)?.toFixed(0)} ms`,
    );
    assert.ok(answered.length > 20);
    assert.equal(site.standing.refusals, 0, 'the limit of its source never held the standing call back');
    await site.standing.hangUp();
    const record = await site.scene.closedRecord({ id: site.standing.id });
    assert.equal(record.end?.reason, 'completed');
    assert.equal(await site.wholeCall(), 'completed');
    const grown = site.memory - memory;
    t.diagnostic(`the process grew by ${Math.round(grown / 1024)} KiB`);
    assert.ok(grown < growth, `the process grew by ${grown} octets`);
    assert.equal(await site.scene.metric('ringaway_unhandled_rejections_total'), 0);
    assert.equal((await fetch(`http://${site.scene.http}/ready`)).status, 200);
    assert.doesNotMatch(site.service.out, /fault of this program|"level":"?(?:error|50)/);
  });
});

/** INVITEs for a number that nobody has: 404, or 503 above the limit. */
const flooding = scenario(
  'flood',
  `  <send retrans="500"><![CDATA[
INVITE sip:+867559999[call_number]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:+8613900000000@[local_ip]>;tag=[call_number]
To: <sip:+867559999[call_number]@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[local_ip]:[local_port]>
Content-Length: 0

  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="503" optional="true" next="1"/>
  <recv response="404"/>
  <label id="1"/>
  <send><![CDATA[
ACK sip:+867559999[call_number]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

  ]]></send>`,
);

function inviteOf(n: number): string {
  return [
    'INVITE sip:100@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-flood-${n};rport`,
    `From: <sip:flood@192.0.2.1>;tag=${n}`,
    'To: <sip:100@127.0.0.1>',
    `Call-ID: flood-${n}`,
    'CSeq: 1 INVITE',
    'Contact: <sip:flood@192.0.2.1>',
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

/** The operator asks over a new TCP connection whether we are there; the answer's first line. */
async function optionsOverTcp(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: operator });
  socket.write(
    [
      `OPTIONS sip:127.0.0.1:${port};transport=tcp SIP/2.0`,
      `Via: SIP/2.0/TCP ${operator};branch=z9hG4bK-${process.hrtime.bigint()}`,
      `From: <sip:${operator}>;tag=1`,
      `To: <sip:127.0.0.1:${port}>`,
      `Call-ID: ${process.hrtime.bigint()}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  for await (const chunk of socket) {
    socket.destroy();
    return String(chunk).split('\r\n')[0] ?? '';
  }
  return 'nothing';
}
