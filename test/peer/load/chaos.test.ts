// Calls in random orders with random faults, over real sockets and two real rtpengines: callers who give up at any moment,
// phones that are busy, silent or gone, terminals that instruct at the same moment, move, hold and hang up; a network that
// loses, repeats and delays; an engine that dies and comes back. Whatever happens, nothing is left of it.
//
//   CALLS=2000 SEED=1 node --test test/peer/load/chaos.test.ts
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadSettings } from '../../../src/config.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { messageOf } from '../../../src/shared/errors.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { hashSecret } from '../../../src/shared/secret.ts';
import { sampleRate } from '../../../src/simulate/rtp/g711.ts';
import { answerSdp, offerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { tone } from '../../../src/simulate/rtp/sources.ts';
import { writeSettings } from '../../../src/simulate/site.ts';
import { Endpoint, type Fate } from '../../../src/simulate/sip/endpoint.ts';
import type { Session, SessionEvents } from '../../../src/simulate/sip/session.ts';
import { Draft } from '../../../src/sip/message/draft.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Call } from '../../../src/terminals/events.ts';
import { eventually } from '../../support/eventually.ts';
import { startService } from '../../support/process/process.ts';
import { seeded } from '../../support/random.ts';
import { rtpengineMissing, startRtpengine } from '../../support/rtpengine.ts';
import { password, WatchedTerminal } from '../../support/site.ts';
import { wav } from '../../support/wav.ts';
import { collecting } from './collecting.ts';

const calls = Number(process.env['CALLS'] ?? 160);
/** New ones a second. */
const rate = 20;
const timers = { t1: 100, t2: 400, t4: 500 };
const accounts = Array.from({ length: 12 }, (_, index) => ({
  account: `shop${index}`,
  number: `+86755200001${String(index).padStart(2, '0')}`,
}));
/** Where nobody speaks: what is said of voices goes to the port of discard. */
const nowhere = { address: '127.0.0.1', port: 9 };
/** Octets by which the heap may grow after a call, for what is remembered of it (its id, its account, what was compiled). */
const heapOfACall = 8 * 1024;

type Dice = <T>(...choices: readonly T[]) => T;

test(
  `${calls} calls in random orders with random faults leave nothing`,
  {
    skip: rtpengineMissing() ?? false,
    timeout: 120_000 + calls * 150,
  },
  async (context) => {
    const next = seeded(context);
    const dice: Dice = (...choices) => choices[Math.floor(next() * choices.length)] as (typeof choices)[number];
    const within = (milliseconds: number) => Math.floor(next() * milliseconds);
    const world = await gather(context, next);
    const { service, caller, terminals } = world;
    const pending = new Set<Promise<unknown>>();
    /** What a party does later; a request that finds its call over is a part of the game. */
    const later = (milliseconds: number, act: () => unknown) => {
      const done = new Promise<void>((resolve) => {
        systemClock.after(milliseconds, () => {
          Promise.resolve()
            .then(act)
            .catch(() => undefined)
            .finally(resolve);
        });
      });
      pending.add(done);
      void done.then(() => pending.delete(done));
    };

    world.final.answerWith((session) => pickUp(session, { dice, within, later }));
    const answers = new Map<string, number>();
    const asked = (what: string, answer: { ok: true } | { ok: false; error: { code: string } }) => {
      const key = `${what} ${answer.ok ? 'ok' : answer.error.code}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    };
    for (const { client } of terminals) {
      client.events.on('incoming', (call: Call) => {
        const instruct = async () => {
          const to = dice<string[]>(['1'], ['2'], ['3'], ['4'], ['1', '2'], ['5', '1', '3']).map(
            (kind) => `+8675530${kind}${String(within(10_000)).padStart(5, '0')}`,
          );
          const [first = '', ...others] = to;
          const mode = dice('auto', 'auto', 'auto', 'refer', 'redirect', 'bridge');
          const order = dice('together', 'in-turn');
          asked(
            `transfer (${mode})`,
            await client.transfer({ callId: call.id, to: [first, ...others], mode, order, attended: next() < 0.3 }),
          );
        };
        const plan = next();
        if (plan < 0.05) later(within(400), async () => asked('decline', await client.decline(call.id)));
        else if (plan < 0.95) later(dice(0, 0, within(600)), instruct);
        for (let more = within(4); more > 0; more--) {
          later(
            within(2_500),
            dice(
              instruct,
              async () => asked('hold', await client.hold(call.id)),
              async () => asked('resume', await client.resume(call.id)),
              async () => asked('complete', await client.complete(call.id)),
              async () => asked('digits', await client.digits({ callId: call.id, digits: '12#' })),
            ),
          );
        }
        later(1_000 + within(2_500), async () => asked('hang up', await client.hangUp(call.id)));
      });
    }

    const statuses = new Map<string, number>();
    const count = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1);
    const place = (number: number) => {
      const { number: firstCalled } = accounts[number % accounts.length] ?? { number: '' };
      const from = `+8613800${String(number).padStart(6, '0')}`;
      const session: Session = caller.call(
        `sip:+8675529990000@${service.trunk}`,
        `<sip:${from}@127.0.0.1;user=phone>`,
        `<sip:+8675529990000@${service.trunk}>`,
        offerSdp(nowhere),
        [['Diversion', `<sip:${firstCalled}@127.0.0.1;user=phone>;reason=unconditional`]],
        {
          standing: () => count('standing'),
          refused: (status) => count(`refused ${status}`),
          ended: () => count('hung up by us'),
          request: (transaction) => referred(transaction, session, { dice, within, later }),
        },
      );
      const gone = dice('SIP;cause=200;text="Call completed elsewhere"', 'Q.850;cause=16', undefined);
      later(dice(within(300), within(3_000), 3_000 + within(2_000)), () => session.hangUp(gone));
      if (next() < 0.3) later(within(2_500), () => reinvite(session, dice('sendonly', 'sendrecv')));
    };
    const play = async (from: number, to: number) => {
      for (let number = from; number < to; number++) {
        place(number);
        await new Promise<void>((soon) => systemClock.after(1_000 / rate, soon));
        // In the middle of each half the second engine dies, and is back soon
        if (number === Math.floor((from + to) / 2)) later(0, () => world.engines[1].restart());
      }
      await eventually('the last word of every party', () => pending.size === 0, 60_000);
      await eventually(
        'the end of all calls at their parties',
        () => caller.standing + world.final.standing === 0,
        60_000,
      );
      await world.quiet();
    };

    const half = Math.floor(calls / 2);
    await play(0, half);
    const heapBefore = await world.heap();
    await play(half, calls);
    const grown = (await world.heap()) - heapBefore;
    context.diagnostic(`callers: ${JSON.stringify(Object.fromEntries(statuses))}`);
    context.diagnostic(`terminals: ${JSON.stringify(Object.fromEntries([...answers].sort()))}`);
    context.diagnostic(`heap: ${heapBefore} octets after half of the calls, ${grown} more after the other half`);
    assert.ok(grown < 1_000_000 + half * heapOfACall, `the heap grew by ${grown} octets`);
    assert.equal(service.lines.err.filter((line) => line.includes('"level":50')).join('\n'), '', 'no fault was logged');

    // One record for each call that arrived, closed once, with its times in order
    const records = await world.records();
    assert.ok(records.length > calls * 0.9, `${records.length} records`);
    assert.equal(new Set(records.map(({ sipCallId }) => sipCallId)).size, records.length);
    const reasons = new Map<string, number>();
    for (const { caller: from, end, arrivedAt, notifiedAt, instructedAt, answeredAt, attempts } of records) {
      assert.ok(end, `the record of ${from} is open`);
      reasons.set(end.reason, (reasons.get(end.reason) ?? 0) + 1);
      const times = [arrivedAt, notifiedAt, instructedAt, answeredAt, end.at].filter((time) => time !== undefined);
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
        `times of ${from}`,
      );
      for (const { startedAt, endedAt } of attempts) assert.ok(endedAt !== undefined && endedAt >= startedAt);
    }
    context.diagnostic(`ends: ${JSON.stringify(Object.fromEntries(reasons))}`);
    for (const reason of ['completed', 'caller-hung-up', 'declined', 'answered-elsewhere', 'transferred']) {
      assert.ok(reasons.has(reason), `some calls end as ${reason}: ${[...reasons.keys()].join()}`);
    }
  },
);

interface Play {
  dice: Dice;
  within: (milliseconds: number) => number;
  later: (milliseconds: number, act: () => unknown) => void;
}

/** A final phone: what it does is told by the digit behind +8675530. */
function pickUp(session: Session, { dice, within, later }: Play): SessionEvents {
  const kind = /\+8675530(\d)/.exec(session.invite?.requestUri ?? '')?.[1];
  if (kind === '4') {
    queueMicrotask(() => session.refuse(dice(486, 603, 404, 480, 503)));
    return {};
  }
  later(within(50), () => session.ring());
  if (kind !== '3') {
    later(dice(60, within(1_500)), () => session.accept(answerSdp(session.offer, nowhere).sdp));
    if (dice(0, 1, 2) === 0) later(within(4_000), () => session.hangUp('Q.850;cause=16'));
    if (dice(0, 1, 2) === 0) later(within(3_000), () => reinvite(session, dice('sendonly', 'sendrecv')));
  }
  // Whoever has not hung up by now does
  later(6_000 + within(1_000), () => session.hangUp());
  return {};
}

function reinvite(session: Session, direction: 'sendonly' | 'sendrecv'): Promise<unknown> {
  const text = offerSdp({ ...nowhere, direction, version: 2 });
  return session.request('INVITE', { contentType: 'application/sdp', text });
}

/** A caller that is asked something within its call; a REFER is taken on, or not, and told of or not. */
function referred(
  transaction: Parameters<NonNullable<SessionEvents['request']>>[0],
  session: Session,
  { dice, within, later }: Play,
): void {
  const { request } = transaction;
  const status = request.method === 'REFER' ? dice(202, 202, 202, 603, 405) : 200;
  const response = Draft.answering(request, status);
  if (request.method === 'INVITE') {
    const offer = request.body.toString();
    response.add('Contact', '<sip:caller@127.0.0.1>').add('Content-Type', 'application/sdp');
    response.body = Buffer.from(offer === '' ? offerSdp(nowhere) : answerSdp(offer, nowhere).sdp);
  }
  transaction.respond(response);
  if (status !== 202) return;
  const tell = (fragment: string, state: string) => () =>
    session.request('NOTIFY', { contentType: 'message/sipfrag;version=2.0', text: `SIP/2.0 ${fragment}\r\n` }, [
      ['Event', 'refer'],
      ['Subscription-State', state],
    ]);
  later(within(100), tell('100 Trying', 'active;expires=60'));
  const outcome = dice('200 OK', '200 OK', '503 Service Unavailable', '486 Busy Here');
  if (dice(0, 1, 2, 3) > 0) later(200 + within(1_000), tell(outcome, 'terminated;reason=noresource'));
}

async function gather(context: TestContext, next: () => number) {
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-chaos-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const engines = await Promise.all([startRtpengine(), startRtpengine()]);
  for (const engine of engines) context.after(() => engine.stop());

  /** Of the messages that either party sends or gets, one in twenty each is lost, repeated and late. */
  const fate: Fate = ({ message }) => {
    if (message.method === 'OPTIONS') return [0];
    const luck = next();
    if (luck < 0.05) return [];
    if (luck < 0.1) return [0, Math.ceil(next() * 150)];
    return luck < 0.15 ? [Math.ceil(next() * 150)] : [0];
  };
  const tools = { clock: systemClock, log: silentLog, timers, fate, seen: () => undefined };
  const caller = await Endpoint.open('127.0.0.1', 0, tools);
  const final = await Endpoint.open('127.0.0.1', 0, tools);
  context.after(() => Promise.all([caller.close(), final.close()]));

  const music = path.join(folder, 'music.wav');
  await writeFile(music, wav(tone(1_000)(sampleRate)));
  const config = await writeSettings(folder, final.hostPort, {
    sip: {
      listen: ['udp://127.0.0.1:0'],
      timers: { t1: `${timers.t1}ms`, t2: '500ms', t4: `${timers.t4}ms` },
      limits: { rate: 0 },
    },
    trunks: [
      {
        ...{ name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:${final.hostPort}`], optionsInterval: '0s' },
        ...{ connect: ['bridge', 'refer'], ringTimeout: '2s', gatewayTimeout: '2s' },
      },
    ],
    media: { mode: 'rtpengine', engines: engines.map(({ engine }) => engine) },
    calls: { instructionsPerMinute: 1_000, decideWithin: '3s', maxHold: '8s', music },
    log: { level: 'warn' },
  });
  const service = await startService(config, { command: collecting });
  context.after(() => service.kill());
  const store = await openStore(loadSettings({ file: config, environment: {} }).store, {
    log: silentLog,
    clock: systemClock,
  });
  context.after(() => store.close());
  const passwordHash = await hashSecret(password);
  const terminals: WatchedTerminal[] = [];
  for (const { account, number } of accounts) {
    await store.subscribers.add({ account, numbers: [{ number }], proof: 'session', secrets: { passwordHash } });
    // Two, so that they can be faster than each other
    for (const id of ['pc', 'phone']) {
      const terminal = new WatchedTerminal(service.http, account, `${account}-${id}`);
      context.after(() => terminal.client.disconnect());
      await terminal.client.connect();
      terminals.push(terminal);
    }
  }
  const left = async () => {
    const text = await (await fetch(`http://${service.http}/metrics`, { headers: { connection: 'close' } })).text();
    const gauges = text
      .split('\n')
      .filter((line) => /^ringaway_(calls\{|sip_dialogs|sip_transactions|trunk_legs)/.test(line));
    assert.ok(gauges.length > 5, 'the gauges are there');
    const sessions = await Promise.all(engines.map((engine) => engine.sessions()));
    return [
      ...gauges.filter((line) => !line.endsWith(' 0')),
      ...sessions.filter((count) => count > 0).map((count) => `${count} sessions of an engine`),
    ];
  };
  return {
    ...{ service, caller, final, terminals, engines },
    async quiet() {
      let standing: string[] = [];
      await eventually(
        'nothing is left',
        async () => (standing = await left().catch((error: unknown) => [messageOf(error)])).length === 0,
        60_000,
      ).catch((error: unknown) => assert.fail(`${messageOf(error)}: ${standing.join(', ')}`));
    },
    async heap() {
      const from = service.lines.err.length;
      service.signal('SIGUSR2');
      const [, octets] = await service.line('err', /^collected: (\d+) octets$/, from);
      return Number(octets);
    },
    records: async () =>
      (await Promise.all(accounts.map(({ account }) => store.records.list({ account, limit: calls })))).flat(),
  };
}
