// Calls of ours that come back: the whole service, and a network that rings it for every subscriber's number.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { answerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { Endpoint } from '../../../src/simulate/sip/endpoint.ts';
import type { Session } from '../../../src/simulate/sip/session.ts';
import { Stage } from '../../../src/simulate/stage.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { type Site, startSite } from '../../support/site.ts';

const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  other: '+8675520000002',
};

let stage: Stage;
let site: Site;
let caller: Phone;
let desk: DeskPhone;

/** A phone with two lines, that takes the second call. */
class DeskPhone {
  readonly calls: Session[] = [];
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    endpoint.answerWith((session) => {
      const call = this.calls.push(session);
      queueMicrotask(() => session.ring());
      if (call === 2) {
        systemClock.after(300, () => {
          session.accept(answerSdp(session.offer, { address: endpoint.address, port: 45_678 }).sdp);
        });
      }
      return {};
    });
  }

  get connected(): number {
    return this.calls.filter(({ state }) => state === 'standing').length;
  }
}

before(async () => {
  const tools = { clock: systemClock, log: silentLog };
  stage = await Stage.open(tools);
  site = await startSite(stage.network.address, {
    calls: { decideWithin: '5s', maxHold: '30s' },
    trunks: [
      {
        name: 'ngn',
        peers: ['127.0.0.1/32'],
        gateways: [`sip:${stage.network.address}`],
        serviceNumbers: [numbers.second],
        tooManyDiversions: 'refuse',
      },
    ],
  });
  const ring = { secondCalled: numbers.second, service: site.trunk };
  stage.network.ringBeside(numbers.first, ring);
  stage.network.ringBeside(numbers.other, ring);
  caller = await stage.phone('caller', {
    number: numbers.caller,
    voice: 440,
    hears: [440],
    behaviour: { does: 'rings' },
  });
  desk = new DeskPhone(await Endpoint.open('127.0.0.1', 0, { ...tools, seen: () => undefined }));
  await site.subscribe('shop1', numbers.first);
  await site.subscribe('shop2', numbers.other);
});

after(async () => {
  await site.close();
  await stage.close();
  await desk.endpoint.close();
});

/** One call to `numbers.first`, which its terminal sends to `to`; the desk phone stands there, and answers our call. */
async function scene(to: string): Promise<void> {
  stage.network.connect(numbers.first, desk.endpoint.hostPort);
  stage.network.connect(numbers.other, desk.endpoint.hostPort);
  desk.calls.length = 0;
  const since = Date.now();
  const mine = await site.terminal('shop1');
  const theirs = await site.terminal('shop2');
  try {
    caller.call(numbers.first);
    const call = await mine.incoming();
    assert.ok((await mine.client.transfer({ callId: call.id, to })).ok);
    await mine.state('connected');

    assert.equal(desk.calls.length, 2, 'the phone rang for the call, and for ours');
    assert.equal(desk.connected, 1);
    const told = [...mine.told, ...theirs.told].filter(({ event }) => event === 'incoming');
    assert.deepEqual(
      told.map((one) => one.call.id),
      [call.id],
      'nobody was told of our own call',
    );
    caller.hangUp();
    assert.equal((await mine.ended()).end?.reason, 'completed');
    await stage.quiet(10_000);
    // The terminals hear of an end before the disk does.
    await site.closedRecord({ account: 'shop1', since });
    await site.closedRecord({ number: numbers.caller, since });

    const records = (await site.store.records.list({ number: numbers.caller, limit: 10 })).filter(
      ({ arrivedAt }) => arrivedAt >= since,
    );
    assert.deepEqual(
      records.map(({ end, account }) => [end?.reason, end?.status, account]),
      [
        ['rejected', 480, undefined],
        ['completed', 200, 'shop1'],
      ],
      'one call, and ours that came back once',
    );
  } finally {
    caller.hangUp();
    mine.client.disconnect();
    theirs.client.disconnect();
  }
}

describe('a transfer to a number whose simultaneous ringing leads back to us', () => {
  test("another subscriber's number: the phone there rings on and is connected", () => scene(numbers.other));
  test('the first called number itself: it rings once more and is connected, without a storm', () =>
    scene(numbers.first));
});

describe('a call that goes round in circles', () => {
  /** Sends an INVITE with these headers; returns what it was answered with, once its record is closed. */
  const answerTo = async (headers: string[]): Promise<number> => {
    const peer = await SipPeer.open();
    try {
      const since = Date.now();
      const head = (method: string, to: string) => [
        `${method} sip:${numbers.second}@${site.trunk} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bK-${peer.port}`,
        `From: <sip:${numbers.caller}@127.0.0.1>;tag=1`,
        `To: ${to}`,
        `Call-ID: ${peer.port}@127.0.0.1`,
        `CSeq: 1 ${method}`,
      ];
      const port = Number(site.trunk.split(':')[1]);
      const to = `<sip:${numbers.second}@127.0.0.1>`;
      const contact = `Contact: <sip:127.0.0.1:${peer.port}>`;
      peer.send([...head('INVITE', to), contact, ...headers, 'Content-Length: 0', '', ''].join('\r\n'), port);
      const message = await peer.expect('a final response', (one) => one.kind === 'response' && one.status >= 300);
      assert.ok(message.kind === 'response');
      peer.send([...head('ACK', message.get('To') ?? to), 'Content-Length: 0', '', ''].join('\r\n'), port);
      const { end, sipCallId } = await site.closedRecord({ since });
      assert.deepEqual([sipCallId, end?.reason, end?.status], [`${peer.port}@127.0.0.1`, 'rejected', message.status]);
      return message.status;
    } finally {
      await peer.close();
    }
  };

  test('and may go no further is answered 483', async () => assert.equal(await answerTo(['Max-Forwards: 0']), 483));
  test('through our own number is answered 482', async () =>
    assert.equal(await answerTo([`Diversion: <sip:${numbers.second}@x>;reason=unconditional`]), 482));
  test('and was diverted too often is answered 482 where the trunk says so', async () =>
    assert.equal(await answerTo([`Diversion: <sip:${numbers.first}@x>;reason=no-answer;counter=6`]), 482));
});
