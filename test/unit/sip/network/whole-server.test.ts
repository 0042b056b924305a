import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../../../src/shared/log.ts';
import { passArrivals } from '../../../../src/sip/control/arrivals.ts';
import { serveConnection } from '../../../../src/sip/control/connection.ts';
import { Exchange } from '../../../../src/sip/control/exchange.ts';
import { TransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import type { Target } from '../../../../src/sip/transaction/wire.ts';
import { Locator } from '../../../../src/sip/transport/locator.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeNetwork } from '../../../support/fake-wire.ts';
import { directPair, ScriptedApplication } from './application.ts';
import { Phone } from './phone.ts';
import { plans, type CallPlan, type Plan } from './plan.ts';

/** When both sides end what is left, and when all must be over: 64*T1 for an answer, 64*T1 for what is absorbed, timer D. Milliseconds. */
const endsAt = 100_000;
const overAt = 300_000;

/** 64*T1: what is not acknowledged by then is given up. Milliseconds. */
const givenUpAfter = 32_000;

/** How often a message is lost that is sent again and again, where the network is fair. */
const mostLosses = 2;

/** `SIP_NETWORK_RUNS=5000` looks longer. */
const runs = Number(process.env['SIP_NETWORK_RUNS'] ?? 200);

for (const transport of ['udp', 'tcp'] as const) {
  test(`the whole server over ${transport}: whatever is lost, doubled, late or out of order, all ends and is told once and in order`, async () => {
    await fc.assert(fc.asyncProperty(plans(transport), play), { numRuns: runs });
  });
}

interface World {
  readonly clock: FakeClock;
  readonly exchange: Exchange;
  readonly application: ScriptedApplication;
  readonly phone: Phone;
  readonly network: FakeNetwork;
  readonly calls: ReadonlyMap<string, CallPlan>;
}

function open(plan: Plan): World {
  const clock = new FakeClock();
  let n = 0;
  const lost = new Map<string, number>();
  const network = new FakeNetwork(clock, (message, from) => {
    if (plan.phoneGoesAt !== undefined && clock.monotonic() >= plan.phoneGoesAt) return [];
    const copies = plan.fates[n++ % plan.fates.length] ?? [];
    if (copies.length > 0 || !plan.fair) return copies;
    const key = `${from} ${message.raw.toString('latin1')}`;
    const before = lost.get(key) ?? 0;
    lost.set(key, before + 1);
    return before < mostLosses ? copies : [1];
  });
  const server: Target = { transport: plan.transport, address: '10.0.0.1', port: 5060 };
  const calls = new Map(plan.calls.map((call, index) => [`${call.begunBy}-${index}`, call]));
  const reach = {
    listensOn: (transport: string) => transport === plan.transport,
    families: () => [4] as const,
    connectedTo: () => undefined,
    hasTcp: () => false,
  };
  const nobody = () => Promise.reject(new Error('nobody is asked for names here'));
  const exchange = new Exchange({
    layer: new TransactionLayer(network.end('10.0.0.1', plan.transport), { clock, log: silentLog }),
    locator: new Locator({ reach, names: { naptr: nobody, srv: nobody, addresses: nobody }, clock }),
    clock,
    log: silentLog,
    callRecords: false,
    passUnknownReplaces: false,
    hangUpOrphans: false,
  });
  passArrivals(exchange);
  const [ours, theirs] = directPair();
  serveConnection(exchange, { hostPorts: ['udp/10.0.0.1:5060'], version: 'v1.0.0', secret: '' }, ours, 'in-process');
  const application = new ScriptedApplication(theirs, clock, calls);
  const phone = new Phone(network.end('10.0.0.2', plan.transport), server, clock, calls);
  return { clock, exchange, application, phone, network, calls };
}

async function play(plan: Plan): Promise<void> {
  const world = open(plan);
  const { clock, application, phone, calls } = world;
  for (const [callId, { begunBy, beginsAt }] of calls) {
    clock.after(beginsAt, () => {
      if (begunBy === 'phone') phone.call(callId);
      else if (!application.gone) application.call(callId);
    });
  }
  if (plan.applicationGoesAt !== undefined) clock.after(plan.applicationGoesAt, () => application.go());
  clock.after(endsAt, () => {
    if (!application.gone) application.end();
    phone.end();
  });
  await clock.advance(overAt);
  nothingIsLeft(world);
  phoneHeardAll(world);
  requestsCameOnceAndInOrder(world);
  answersCameOnce(world);
  acknowledgedOrEnded(world);
  refusedForAReason(world);
  openInvitesEndWithTheCall(world);
  withoutPrackNoAnswer(world);
  if (plan.fair && plan.phoneGoesAt === undefined && !application.gone) everyRequestWasAnswered(world);
}

function nothingIsLeft({ exchange, phone, clock }: World): void {
  assert.deepEqual(exchange.layer.alive, { clients: 0, servers: 0 }, 'every transaction of the server ends');
  assert.deepEqual(phone.layer.alive, { clients: 0, servers: 0 }, 'and every one of the phone');
  const left = {
    dialogs: exchange.dialogs.size,
    answerable: exchange.answerable.size,
    arrived: exchange.arrived.size,
    sent: exchange.sent.size,
    unmerged: exchange.unmerged.size,
    beginning: exchange.beginning.size,
    proxied: exchange.proxied.size,
  };
  assert.deepEqual(
    left,
    { dialogs: 0, answerable: 0, arrived: 0, sent: 0, unmerged: 0, beginning: 0, proxied: 0 },
    'nothing is left of it',
  );
  assert.equal(clock.pendingTimers, 0, 'no timer outlives what it is for');
}

function phoneHeardAll({ phone }: World): void {
  for (const { callId, method, outcome } of phone.sent) {
    assert.notEqual(outcome, 'none', `${callId}: ${method} has an outcome`);
  }
}

function requestsCameOnceAndInOrder({ application, phone, calls }: World): void {
  const requests = application.heard.filter((heard) => heard.kind === 'request');
  for (const callId of calls.keys()) {
    const ofCall = requests.filter((request) => request.callId === callId);
    const told = ofCall.map(({ method, sequence }) => `${sequence} ${method}`);
    assert.equal(new Set(told).size, told.length, `${callId}: each request once: ${told.join(', ')}`);

    const numbers = ofCall.flatMap(({ method, sequence }) =>
      method === 'ACK' || method === 'CANCEL' ? [] : [sequence],
    );
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
      `${callId}: in the order of the phone`,
    );

    const bye = ofCall.findIndex(({ method }) => method === 'BYE');
    const afterBye = bye < 0 ? [] : ofCall.slice(bye + 1).filter(({ method }) => method !== 'ACK');
    assert.deepEqual(afterBye, [], `${callId}: nothing follows its BYE`);

    // What the application answered itself was told it; its own words come back to the phone
    for (const { method, sequence, outcome } of phone.sent.filter((sent) => sent.callId === callId)) {
      if (outcome === 200 || outcome === 486 || outcome === 488) {
        assert.ok(told.includes(`${sequence} ${method}`), `${callId}: ${method} was answered by nobody`);
      }
    }
  }
}

function answersCameOnce({ application }: World): void {
  const responses = application.heard.filter((heard) => heard.kind === 'response');
  for (const { what, callId, transaction, outcome } of application.asked) {
    if (outcome !== 'OK' || what === 'respond' || what === 'ACK' || what === 'CANCEL') continue;
    const statuses = responses.filter((response) => response.transaction === transaction).map(({ status }) => status);
    const finals = statuses.filter((status) => status >= 200);
    const wanted = application.gone ? finals.length <= 1 : finals.length === 1;
    assert.ok(wanted, `${callId}: one final answer to ${what}: ${statuses.join(' ')}`);
    if (finals.length > 0) assert.equal(statuses.at(-1), finals[0], `${callId}: and nothing after it`);
    assert.ok(!statuses.includes(100), `${callId}: no 100`);
  }
  const known = new Set(application.asked.map(({ transaction }) => transaction));
  for (const { transaction, status } of responses) assert.ok(known.has(transaction), `${status} to nothing`);
}

/** Over a network that is only lossy: retransmission brings every request its answer, and every answer its acknowledgement. */
function everyRequestWasAnswered({ application, phone, calls, network }: World): void {
  const timedOut = phone.sent.filter(({ outcome }) => outcome === 'timeout');
  assert.deepEqual(timedOut, [], 'the phone hears an answer to each request');
  for (const heard of application.heard) {
    if (heard.kind === 'response') assert.notEqual(heard.status, 408, `${heard.callId}: ${heard.method} is answered`);
    if (heard.kind !== 'unsolicited') continue;
    assert.equal(calls.get(heard.callId)?.acknowledges, false, `${heard.callId}: its ACK arrives`);
  }
  for (const callId of phone.unacknowledged) {
    assert.equal(calls.get(callId)?.acknowledges, false, `${callId}: the ACK of the application arrives`);
  }
  for (const { callId, outcome } of phone.sent) assert.notEqual(outcome, 504, `${callId}: its PRACK arrives`);
  const copies = new Map<string, number>();
  for (const { from, message } of network.sent) {
    if (message.kind === 'request' || message.cseq.method !== 'INVITE' || message.status < 300) continue;
    const key = `${from} ${message.raw.toString('latin1')}`;
    copies.set(key, (copies.get(key) ?? 0) + 1);
  }
  const most = 2 * mostLosses + 2; // it is lost, and its ACK, and one is on its way meanwhile
  assert.ok(Math.max(0, ...copies.values()) <= most, 'an ACK ends the repetition of a refusal');
}

/** 13.3.1.4: each 2xx of the application to an INVITE brings one ACK, or the call is ended by the server, once. */
function acknowledgedOrEnded({ application, calls }: World): void {
  for (const callId of calls.keys()) {
    const heard = application.heard.filter((one) => one.callId === callId);
    const requests = heard.filter((one) => one.kind === 'request');
    const unsolicited = heard.filter(({ kind }) => kind === 'unsolicited').length;
    let unacknowledged = 0;
    for (const invite of requests.filter(({ method }) => method === 'INVITE')) {
      const acks = requests.filter(({ method, sequence }) => method === 'ACK' && sequence === invite.sequence);
      const answer = application.asked.find(
        ({ transaction, status, outcome }) => transaction === invite.transaction && status === 200 && outcome === 'OK',
      );
      assert.ok(acks.length <= (answer ? 1 : 0), `${callId}: an ACK for each 2xx`);
      if (!answer || acks.length > 0) continue;
      unacknowledged++;
      const inTime = ({ at }: { readonly at: number }): boolean => at < answer.at + givenUpAfter;
      const ended =
        application.asked.some((asked) => asked.callId === callId && asked.what === 'BYE' && inTime(asked)) ||
        requests.some((request) => request.method === 'BYE' && inTime(request));
      if (!ended && !application.gone) assert.equal(unsolicited, 1, `${callId}: acknowledged, or ended`);
    }
    assert.ok(unsolicited <= Math.min(1, unacknowledged), `${callId}: ended once, and for a reason`);
  }
}

/** What the server refuses, it refuses with a reason that the call gives. */
function refusedForAReason({ application }: World): void {
  for (const { what, callId, transaction, outcome } of application.asked) {
    if (outcome === 'OK' || outcome === 'none') continue;
    const ofCall = application.heard.filter((heard) => heard.callId === callId);
    const over =
      ofCall.some(({ kind }) => kind === 'unsolicited') ||
      ofCall.some((heard) => heard.kind === 'request' && heard.method === 'BYE') ||
      application.asked.some((asked) => asked.callId === callId && asked.what === 'BYE');
    switch (what) {
      case 'respond': {
        const cancelled = ofCall.some(
          (heard) => heard.kind === 'request' && heard.method === 'CANCEL' && heard.transaction === transaction,
        );
        assert.ok(cancelled || over || outcome.includes('unknown transaction'), `${callId}: ${outcome}`);
        break;
      }
      case 'CANCEL':
        assert.match(outcome, /unable to cancel unknown transaction/);
        break;
      default:
        assert.ok(over, `${callId}: ${what} refused in a call that stands: ${outcome}`);
    }
  }
}

/** 15.1.2: an INVITE of the phone that is open when its call ends is answered by the server; the application comes too late. */
function openInvitesEndWithTheCall({ application }: World): void {
  for (const ended of application.asked) {
    if (ended.what !== 'respond' || ended.outcome !== 'OK' || methodOf(application, ended.transaction) !== 'BYE')
      continue;
    for (const late of application.asked) {
      if (late.what !== 'respond' || late.callId !== ended.callId || late.at <= ended.at) continue;
      if (methodOf(application, late.transaction) === 'INVITE') {
        assert.notEqual(late.outcome, 'OK', `${late.callId}: an INVITE was answered after the end of its call`);
      }
    }
  }
}

/** RFC 3262 3: without a PRACK the INVITE is refused by the server after 64*T1. */
function withoutPrackNoAnswer({ application }: World): void {
  for (const ringing of application.asked.filter(({ reliably, outcome }) => reliably && outcome === 'OK')) {
    const { callId, at } = ringing;
    const acknowledged = application.heard.some(
      (heard) => heard.kind === 'request' && heard.method === 'PRACK' && heard.callId === callId,
    );
    if (acknowledged) continue;
    const late = application.asked.find(
      (asked) => asked.transaction === ringing.transaction && asked.at > at + givenUpAfter && asked.status !== 487,
    );
    if (late) assert.notEqual(late.outcome, 'OK', `${callId}: answered though no PRACK had come`);
  }
}

function methodOf(application: ScriptedApplication, transaction: string): string | undefined {
  const heard = application.heard.find((one) => one.kind === 'request' && one.transaction === transaction);
  return heard?.kind === 'request' ? heard.method : undefined;
}
