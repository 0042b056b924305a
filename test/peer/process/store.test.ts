// The store is slow, or gone for a while, with the whole service as a process: standing calls go on, new ones behave as they should, and
// every record is written later, whole and once.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Readiness } from '../../../src/admin/readiness.ts';
import type { Store } from '../../../src/call/ports.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { openMongoStore } from '../../../src/store/mongodb/open.ts';
import { eventually } from '../../support/eventually.ts';
import { hearsMore } from '../../support/media-call.ts';
import { openScene, numbers, type Scene } from '../../support/process/scene.ts';
import type { ServiceProcess } from '../../support/process/process.ts';
import { diskFillingMissing, fillDisk, holdWrites } from '../../support/sick-store.ts';
import type { WatchedTerminal } from '../../support/site.ts';
import { startTcpRelay, type TcpRelay } from '../../support/tcp-relay.ts';

const voices = { caller: 440, final: 620 };
/** How long the store may take to say whose number it is, and what else the caller and this machine need. Milliseconds. */
const lookUpWithin = 3_000;
const leeway = 1_500;

/** A subscriber whose terminal is logged in, who calls them, and where they have calls go. */
class Line {
  readonly account: string;
  readonly #first: string;
  readonly #final: string;
  caller!: Phone;
  final!: Phone;
  terminal!: WatchedTerminal;

  private constructor(index: number) {
    this.account = `line${index}`;
    this.#first = `+8675520001${index}00`;
    this.#final = `+8675520002${index}00`;
  }

  static async open(scene: Scene, index: number): Promise<Line> {
    const line = new Line(index);
    const { stage } = scene;
    stage.network.ringBeside(line.#first, { secondCalled: numbers.second, service: scene.trunk });
    const hears = Object.values(voices);
    const rings = { does: 'rings' } as const;
    const number = `+861380013900${index}`;
    line.caller = await stage.phone('caller', { number, voice: voices.caller, hears, behaviour: rings });
    await stage.phone('first phone', { number: line.#first, voice: 350, hears, behaviour: rings });
    const answers = { does: 'answers', after: 50 } as const;
    line.final = await stage.phone('final phone', {
      ...{ number: line.#final, voice: voices.final, hears, behaviour: answers },
    });
    await scene.subscribe(line.account, line.#first);
    line.terminal = await scene.terminal(line.account);
    return line;
  }

  /** Their number is called. */
  call(): void {
    this.caller.call(this.#first);
  }
  instruct(callId: string) {
    return this.terminal.client.transfer({ callId, to: this.#final });
  }
  async connect(): Promise<string> {
    this.call();
    const { id } = await this.terminal.incoming();
    assert.ok((await this.instruct(id)).ok);
    await this.talk();
    return id;
  }
  async talk(): Promise<void> {
    await this.terminal.state('connected');
    const { caller, final } = this;
    await Promise.all([hearsMore(caller.rtp, voices.final, 0.3), hearsMore(final.rtp, voices.caller, 0.3)]);
  }
  async hangUp(): Promise<void> {
    this.caller.hangUp();
    assert.equal((await this.terminal.ended()).end?.reason, 'completed');
  }
  /** It was written whole, though the store was away when all of it happened. */
  assertWhole(record: CallRecord | undefined): void {
    assert.ok(record, `the record of ${this.account}`);
    const { account, firstCalled, finalCalled, instructedBy, notified, attempts, end } = record;
    assert.deepEqual(
      [account, firstCalled, finalCalled, instructedBy, end?.reason, end?.by],
      [this.account, this.#first, this.#final, `${this.account}-pc`, 'completed', 'caller'],
    );
    assert.deepEqual([notified.length, attempts.length], [1, 1]);
    assert.ok(notified[0]?.receivedAt !== undefined && attempts[0]?.answeredAt !== undefined);
    const times = [record.arrivedAt, record.notifiedAt, record.instructedAt, record.answeredAt, end?.at];
    assert.deepEqual(
      times,
      times.toSorted((one = NaN, other = NaN) => one - other),
    );
  }
}

/** A service with lines; what its store holds is read past whatever makes it sick. */
interface Place {
  scene: Scene;
  service: ServiceProcess;
  lines: Line[];
  records: Store['records'];
}

async function placeWith(scene: Scene, records: Store['records']): Promise<Place> {
  const service = await scene.serve();
  const lines = [];
  for (let index = 0; index < 3; index++) lines.push(await Line.open(scene, index));
  return { scene, service, lines, records };
}

async function embedded(t: TestContext): Promise<Place & { folder: string }> {
  const scene = await openScene({ node: 'sick' });
  t.after(() => scene.close());
  const place = await placeWith(scene, (await scene.store()).records);
  return { ...place, folder: path.join(scene.folder, 'data') };
}

/** All records are closed, and there are as many as there were calls: in the order in which these arrived. */
async function written({ records, scene }: Place, calls: number): Promise<CallRecord[]> {
  let all: CallRecord[] = [];
  await eventually(
    `${calls} closed records`,
    async () => {
      all = (await records.list({ limit: 100 })).reverse();
      return all.length === calls && all.every(({ end }) => end);
    },
    30_000,
  );
  assert.deepEqual(await records.standing('sick'), []);
  await eventually('the end of all calls', async () => (await scene.metric('ringaway_calls{state="connected"}')) === 0);
  return all;
}

describe('the embedded store, sick', { timeout: 120_000 }, () => {
  test('is slow: another process writes for a while. Notification and acknowledgement wait for it, and not for long', async (t) => {
    const place = await embedded(t);
    const [standing, swift, slow] = place.lines;
    assert.ok(standing && swift && slow);
    const id = await standing.connect();

    let heal = holdWrites(place.folder);
    const began = performance.now();
    swift.call();
    const told = await swift.terminal.incoming();
    assert.ok(performance.now() - began > 900, 'the notification waits until its record is safe, or a second is over');
    let acknowledged = false;
    const answer = swift.instruct(told.id).finally(() => (acknowledged = true));
    await swift.terminal.when('it is connecting', ({ call }) => call.state !== 'waiting');
    assert.equal(acknowledged, false, 'the acknowledgement waits for the record');
    heal();
    assert.ok((await answer).ok);
    assert.equal((await place.records.get(told.id))?.instructedBy, `${swift.account}-pc`, 'and stands in it then');
    await swift.talk();

    heal = holdWrites(place.folder);
    slow.call();
    const { id: waiting } = await slow.terminal.incoming();
    const instructedAt = performance.now();
    assert.ok((await slow.instruct(waiting)).ok);
    assert.ok(performance.now() - instructedAt < 2_000 + leeway, 'no longer than 2 s');
    assert.equal((await place.records.get(waiting))?.instructedBy, undefined);
    await slow.talk();
    await standing.talk();
    assert.ok((await standing.terminal.client.hold(id)).ok);
    for (const line of place.lines) await line.hangUp();
    assert.equal((await place.records.get(id))?.end, undefined, 'nothing could be written');
    heal();
    for (const [index, record] of (await written(place, 3)).entries()) place.lines[index]?.assertWhole(record);
    assert.equal(place.service.over, false);
  });

  test(
    'is gone: its disk takes nothing. Calls go on, and their records are written later',
    { skip: diskFillingMissing() ?? false },
    async (t) => {
      const place = await embedded(t);
      const [standing, whole, late] = place.lines;
      assert.ok(standing && whole && late);
      const id = await standing.connect();
      const heal = fillDisk(place.service.pid);
      const began = performance.now();
      const during = await whole.connect();
      assert.ok(performance.now() - began < 2_000 + leeway, 'a store that fails holds nobody up');
      await whole.hangUp();
      await standing.talk();
      await standing.hangUp();
      const ready = async () => (await fetch(`http://${place.scene.http}/ready`)).json() as Promise<Readiness>;
      assert.match(JSON.stringify((await ready()).checks['records']), /cannot be written/);
      assert.ok((await place.scene.metric('ringaway_records_unwritten')) >= 2);
      late.call();
      const { id: waiting } = await late.terminal.incoming();
      assert.equal(await place.records.get(during), undefined, 'nothing could be written');
      assert.equal((await place.records.get(id))?.end, undefined);
      heal();

      assert.ok((await late.instruct(waiting)).ok);
      await late.talk();
      await late.hangUp();
      for (const [index, record] of (await written(place, 3)).entries()) place.lines[index]?.assertWhole(record);
      assert.ok((await ready()).ready);
      assert.equal(await place.scene.metric('ringaway_records_unwritten'), 0);
    },
  );
});

const server = process.env['MONGODB_URI'];
const noServer = server ? false : 'NOT TESTED: a MongoDB that is slow or gone, because MONGODB_URI names no server';

async function mongodb(t: TestContext): Promise<Place & { relay: TcpRelay }> {
  const direct = new URL(server ?? '');
  const name = `ringaway_test_${randomBytes(6).toString('hex')}`;
  direct.pathname = `/${name}`;
  direct.searchParams.set('directConnection', 'true');
  const relay = await startTcpRelay(Number(direct.port || 27_017));
  const behind = new URL(direct);
  behind.hostname = '127.0.0.1';
  behind.port = String(relay.port);
  const scene = await openScene({ node: 'sick', store: { kind: 'mongodb', uri: behind.href } });
  const store = await openMongoStore({ uri: direct.href, log: silentLog, clock: systemClock });
  t.after(async () => {
    relay.flow();
    await scene.close();
    await relay.close();
    await store.close();
    const client = await new MongoClient(direct.href).connect();
    await client.db(name).dropDatabase();
    await client.close();
  });
  return { ...(await placeWith(scene, store.records)), relay };
}

describe('MongoDB, sick', { skip: noServer, timeout: 180_000 }, () => {
  for (const how of ['says nothing', 'is cut off'] as const) {
    test(`${how} for a while: standing calls go on, who cannot be looked up hears 500, and all records are written later`, async (t) => {
      const place = await mongodb(t);
      const { relay } = place;
      const [standing, waiting, unknown] = place.lines;
      assert.ok(standing && waiting && unknown);
      const id = await standing.connect();
      waiting.call();
      const { id: told } = await waiting.terminal.incoming();

      if (how === 'says nothing') relay.stall();
      else await relay.cut();
      unknown.call();
      const refused = await waiting.instruct(told);
      assert.ok(!refused.ok && refused.error.code === 'unavailable', 'whether the account still is one is not known');
      assert.ok((await standing.terminal.client.hold(id)).ok);
      assert.ok((await standing.terminal.client.resume(id)).ok);
      await standing.talk();
      await standing.hangUp();
      assert.equal((await place.records.get(id))?.end, undefined, 'nothing could be written');
      const failed = 'ringaway_calls_ended_total{reason="failed"}';
      await eventually('the end of the third', async () => (await place.scene.metric(failed)) === 1);

      if (how === 'says nothing') relay.flow();
      else await relay.mend();
      await eventually('it is there again', async () => (await waiting.instruct(told)).ok);
      await waiting.talk();
      await waiting.hangUp();
      const [first, second, third] = await written(place, 3);
      standing.assertWhole(first);
      waiting.assertWhole(second);
      assert.deepEqual([third?.account, third?.end?.reason, third?.end?.status], [undefined, 'failed', 500]);
      const took = (third?.end?.at ?? Infinity) - (third?.arrivedAt ?? 0);
      assert.ok(took < lookUpWithin + leeway, `500 after ${took} ms`);
      unknown.caller.hangUp(); // the first phone rang on
      await unknown.connect();
      await unknown.hangUp();
      unknown.assertWhole((await written(place, 4))[3]);
    });
  }
});
