// The ng client, the pool and a session on a clock of our own, against an engine that does what each test says.
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { createMedia } from '../../../src/media/media.ts';
import { NgClient } from '../../../src/media/rtpengine/client.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openSession, relays } from '../../support/media-session.ts';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';

interface Request {
  cookie: string;
  /** The whole datagram. */
  text: string;
  command: string;
  reply(body: string): void;
}

/** Bencode: the length of a text stands before it. */
function commandOf(text: string): string {
  const [found, length] = /7:command(\d+):/.exec(text) ?? [];
  if (found === undefined) return 'unknown';
  const start = text.indexOf(found) + found.length;
  return text.slice(start, start + Number(length));
}

/** An engine that records what it gets; `answer` may reply. */
async function fakeEngine(t: TestContext, answer: (request: Request) => void = () => undefined) {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const requests: Request[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    const text = datagram.toString();
    const cookie = text.slice(0, 36);
    const request: Request = {
      cookie,
      text,
      command: commandOf(text),
      reply: (body) => socket.send(`${cookie} ${body}`, from.port, from.address),
    };
    requests.push(request);
    answer(request);
    for (const look of waiting) look();
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  return {
    port,
    engine: `udp://127.0.0.1:${port}`,
    requests,
    of: (command: string) => requests.filter((request) => request.command === command),
    /** Resolves when that many requests (of the command) came. */
    got: (count: number, command?: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (requests.filter((request) => command === undefined || request.command === command).length >= count) {
            waiting.delete(look);
            resolve();
          }
        };
        waiting.add(look);
        look();
      }),
  };
}

async function clientOf(t: TestContext, port: number) {
  const clock = new FakeClock();
  const client = await NgClient.open(clock);
  t.after(() => client.close());
  client.target = { host: '127.0.0.1', port };
  return { clock, client };
}

const ok = `d6:result2:ok3:sdp${Buffer.byteLength(sdp)}:${sdp}e`;
/** What a healthy engine says to each command. */
const healthy = (request: Request) => request.reply(request.command === 'ping' ? 'd6:result4:ponge' : ok);
/** What is asked of an engine to know how it is. */
const ofHealth = ['ping', 'statistics', 'list'];

describe('the ng client', { timeout: 20_000 }, () => {
  test('the same datagram is sent again after 100, 200, 300, 400, 500, 500 ms, until an answer comes', async (t) => {
    const engine = await fakeEngine(t);
    const { clock, client } = await clientOf(t, engine.port);
    const reply = client.request('offer', { 'call-id': 'one', sdp }, 5_000);
    await engine.got(1);
    let sent = 1;
    for (const pause of [100, 200, 300, 400, 500, 500]) {
      await clock.advance(pause - 1);
      assert.equal(client.resent, sent - 1, `nothing before ${pause} ms`);
      await clock.advance(1);
      await engine.got(++sent);
    }
    assert.equal(new Set(engine.requests.map((request) => request.text)).size, 1);
    engine.requests[3]?.reply(ok);
    assert.equal((await reply).sdp, sdp);
    assert.equal(clock.pendingTimers, 0);
    assert.equal(client.messages.size, 0);
  });

  test('the deadline ends it, and the answer that comes later is a stray', async (t) => {
    const engine = await fakeEngine(t);
    const { clock, client } = await clientOf(t, engine.port);
    const lost = assert.rejects(client.request('ping', {}, 1_000), { name: 'DeadlineExceeded', milliseconds: 1_000 });
    await engine.got(1);
    await clock.advance(1_000);
    await lost;
    assert.equal(clock.pendingTimers, 0);
    assert.equal(client.messages.size, 0);
    engine.requests[0]?.reply('d6:result4:ponge');
    const next = client.request('ping', {}, 1_000);
    await engine.got(5);
    engine.requests.at(-1)?.reply('d6:result4:ponge');
    assert.equal((await next).result, 'pong');
    assert.equal(client.strays, 1);
  });

  test('at most 64 requests are on their way; the next one goes when one is answered, a ping at once', async (t) => {
    const engine = await fakeEngine(t);
    const { client } = await clientOf(t, engine.port);
    const all = Array.from({ length: 70 }, (_, n) => client.request('offer', { 'call-id': `${n}`, sdp }, 5_000));
    const ping = client.request('ping', {}, 5_000);
    await engine.got(65);
    assert.equal(engine.of('offer').length, 64);
    engine.of('ping')[0]?.reply('d6:result4:ponge');
    await ping;
    let answered = 0;
    while (answered < 70) {
      const request = engine.of('offer')[answered];
      if (request) {
        request.reply(ok);
        answered += 1;
      } else await engine.got(answered + 1, 'offer');
    }
    const replies = await Promise.all(all);
    assert.ok(replies.every((reply) => reply.result === 'ok'));
    assert.equal(engine.of('offer').length, 70);
  });

  test('an error of sending is the cause of what the deadline says', async (t) => {
    const { clock, client } = await clientOf(t, 9);
    const tooLong = client.request('offer', { sdp: 'x'.repeat(70_000) }, 300);
    const ended = assert.rejects(tooLong, (error) => error instanceof Error && /EMSGSIZE/.test(String(error.cause)));
    // The socket tells the error when it will.
    await new Promise((soon) => setTimeout(soon, 50));
    await clock.advance(300);
    await ended;
  });

  test('close refuses what waits, and whatever is asked later', async (t) => {
    const { clock, client } = await clientOf(t, 9);
    const waiting = assert.rejects(client.request('ping', {}, 5_000), { code: 'no-media' });
    client.close();
    client.close();
    await waiting;
    await assert.rejects(client.request('ping', {}, 5_000), { code: 'no-media' });
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('the pool and a session', { timeout: 20_000 }, () => {
  async function media(t: TestContext, engines: string[], timeoutMs = 1_000) {
    const clock = new FakeClock();
    const opening = createMedia(relays(engines, { timeoutMs }), { clock, log: silentLog });
    const made = await opening;
    t.after(() => made.close());
    return { clock, made };
  }

  test('each engine is pinged every two seconds; after the end there is neither ping nor timer', async (t) => {
    const engine = await fakeEngine(t, healthy);
    const { clock, made } = await media(t, [engine.engine]);
    assert.equal(engine.of('ping').length, 1);
    for (const pings of [2, 3, 4]) {
      await clock.advance(1_999);
      assert.equal(engine.of('ping').length, pings - 1);
      await clock.advance(1);
      await engine.got(pings, 'ping');
      // The answer has to arrive before the next ping is set.
      while (clock.pendingTimers !== 1) await new Promise((soon) => setImmediate(soon));
    }
    await made.close();
    assert.equal(clock.pendingTimers, 0);
  });

  test('tags, rewriting and transport of each request of a call', async (t) => {
    const engine = await fakeEngine(t, healthy);
    const { made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call', 2);
    await session.offer('caller', sdp);
    await session.answer('target', sdp);
    await session.offer('target', sdp);
    await session.answer('caller', sdp);
    await session.close();
    const asked = engine.requests.filter(({ command }) => !ofHealth.includes(command));
    const told = asked.map(({ text, command }) => [
      command,
      ...['from-tag', 'to-tag', 'transport-protocol'].map(
        (key) => new RegExp(`${key}\\d+:(caller|target|RTP/AVP)`).exec(text)?.[1],
      ),
    ]);
    assert.deepEqual(told, [
      ['offer', 'caller', undefined, 'RTP/AVP'],
      ['answer', 'caller', 'target', undefined],
      ['offer', 'target', 'caller', 'RTP/AVP'],
      ['answer', 'target', 'caller', undefined],
      ['delete', undefined, undefined, undefined],
    ]);
    for (const { text } of asked) assert.match(text, /7:call-id11:node:call\.2/);
    for (const { text } of asked.slice(0, 4)) assert.match(text, /7:replacel6:origin18:session-connectione/);
    for (const { text } of asked.slice(0, 4)) assert.match(text, /3:ICE6:remove/);
  });

  test('an engine may be named by a host name', async (t) => {
    const engine = await fakeEngine(t, healthy);
    const { made } = await media(t, [`udp://localhost:${engine.port}`]);
    assert.equal(made.health().ok, true);
  });

  test('an engine that is full sends the offer to the next one, and stays up', async (t) => {
    const full = await fakeEngine(t, (request) =>
      request.reply(
        request.command === 'offer' ? 'd7:message22:Load limit was reached6:result10:load limite' : 'd6:result4:ponge',
      ),
    );
    const roomy = await fakeEngine(t, healthy);
    const { made } = await media(t, [full.engine, roomy.engine]);
    const session = await openSession(made, 'call');
    assert.equal(await session.offer('caller', sdp), sdp);
    assert.equal(session.engine?.engine, roomy.engine);
    assert.ok(made.health().engines.every((engine) => engine.up));
  });

  test('an offer that is refused leaves nothing at the engine; the next one is taken', async (t) => {
    let refuse = true;
    const engine = await fakeEngine(t, (request) => {
      if (request.command === 'offer' && refuse) request.reply('d12:error-reason3:why6:result5:errore');
      else healthy(request);
    });
    const { made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call');
    await assert.rejects(session.offer('caller', sdp), { code: 'media-refused', message: /why/ });
    assert.equal(engine.of('delete').length, 1);
    refuse = false;
    assert.equal(await session.offer('caller', sdp), sdp);
  });

  test('a session that no engine took is offered under another name: a removal that is owed would meet it', async (t) => {
    let there = false;
    const engine = await fakeEngine(t, (request) => {
      if (there || ofHealth.includes(request.command)) healthy(request);
    });
    const { clock, made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call');
    const lost = assert.rejects(session.offer('caller', sdp), { code: 'no-media' });
    await engine.got(1, 'offer');
    await clock.advance(1_000);
    await lost;
    there = true;
    while (made.health().engines[0]?.toRemove !== 0) await clock.advance(100);
    assert.match(engine.of('delete').at(-1)?.text ?? '', /7:call-id11:node:call\.1/);
    await session.offer('caller', sdp);
    assert.match(engine.of('offer').at(-1)?.text ?? '', /7:call-id13:node:call\.1~1/);
    assert.equal(session.engine?.session, 'node:call.1~1');
    await session.close();
  });

  test('the end during an offer waits for it, so that no session stays behind', async (t) => {
    let hold: Request | undefined;
    const engine = await fakeEngine(t, (request) => {
      if (request.command === 'offer') hold ??= request;
      else healthy(request);
    });
    const { made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call');
    const offered = session.offer('caller', sdp);
    await engine.got(1, 'offer');
    const closed = session.close();
    await assert.rejects(session.offer('caller', sdp), { code: 'no-media' });
    assert.equal(engine.of('delete').length, 0);
    hold?.reply(ok);
    await offered;
    await closed;
    assert.equal(engine.of('delete').length, 1);
  });

  test('an answer to an offer that nobody made is refused without asking the engine', async (t) => {
    const engine = await fakeEngine(t, healthy);
    const { made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call');
    await assert.rejects(session.answer('target', sdp), { code: 'media-refused' });
    await session.offer('caller', sdp);
    await assert.rejects(session.answer('caller', sdp), { code: 'media-refused' });
    assert.equal(engine.of('answer').length, 0);
  });

  test('removals that are owed are made when the engine answers again, and only once', async (t) => {
    let there = true;
    const engine = await fakeEngine(t, (request) => {
      if (there) healthy(request);
    });
    const { clock, made } = await media(t, [engine.engine]);
    const session = await openSession(made, 'call');
    await session.offer('caller', sdp);
    there = false;
    const closing = session.close();
    await engine.got(1, 'delete');
    await clock.advance(1_000);
    await closing;
    assert.deepEqual([made.health().ok, made.health().engines[0]?.toRemove], [false, 1]);
    there = true;
    const before = engine.of('delete').length;
    // Pings go out as time passes; the engine answers in its own time.
    while (made.health().engines[0]?.toRemove !== 0) await clock.advance(100);
    assert.equal(made.health().ok, true);
    assert.equal(
      new Set(
        engine
          .of('delete')
          .slice(before)
          .map((request) => request.cookie),
      ).size,
      1,
    );
  });
});

describe('an engine that is lost', { timeout: 20_000 }, () => {
  /** A session that was agreed on at an engine whose answers can be changed, and how often it was told to be lost. */
  async function standing(t: TestContext) {
    const world = { alive: true, uptime: 1_000, unknown: false, lost: 0 };
    const engine = await fakeEngine(t, (request) => {
      if (!world.alive) return;
      if (request.command === 'statistics') {
        const current = 'd13:sessionstotali1e15:transcodedmediai0ee';
        const uptime = String(world.uptime);
        const total = `d6:uptime${uptime.length}:${uptime}e`;
        request.reply(`d6:result2:ok10:statisticsd17:currentstatistics${current}15:totalstatistics${total}ee`);
      } else if (request.command === 'query' && world.unknown) {
        request.reply('d12:error-reason15:Unknown call-id6:result5:errore');
      } else healthy(request);
    });
    const clock = new FakeClock();
    const media = await createMedia(relays([engine.engine], { timeoutMs: 1_000 }), { clock, log: silentLog });
    t.after(() => media.close());
    const events = { silent: () => undefined, lost: () => void (world.lost += 1), digit: () => undefined };
    const session = await media.open({ callId: 'call', session: 1, trunks: {} }, events);
    await session.offer('caller', sdp);
    await session.answer('target', sdp);
    /** Lets time pass in small steps, so that answers can come in between. */
    const pass = async (milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 50) {
        await clock.advance(50);
        await new Promise((soon) => setTimeout(soon, 2));
        world.uptime += 0.05;
      }
    };
    return { world, media, session, pass };
  }

  test('silent for four seconds, not for less; told once', async (t) => {
    const { world, session, pass } = await standing(t);
    world.alive = false;
    await pass(3_900);
    assert.equal(world.lost, 0);
    await pass(4_000);
    assert.equal(world.lost, 1);
    await assert.rejects(session.digits('caller', '1'), { code: 'no-media' });
    await pass(4_000);
    assert.equal(world.lost, 1);
  });

  test('started anew between two pings: known by its age, and asked whether it has the session', async (t) => {
    const { world, media, pass } = await standing(t);
    await pass(4_000);
    assert.equal(world.lost, 0, 'it has grown older as time went by');
    world.uptime = 0;
    world.unknown = true;
    await pass(2_500);
    assert.equal(world.lost, 1, 'long before its counters are looked at');
    assert.equal(media.health().ok, true);
  });

  test('knows the session no more: found when its counters are looked at', async (t) => {
    const { world, pass } = await standing(t);
    world.unknown = true;
    await pass(14_900);
    assert.equal(world.lost, 0);
    await pass(300);
    assert.equal(world.lost, 1);
  });

  test('a session that was closed is told nothing', async (t) => {
    const { world, session, pass } = await standing(t);
    await session.close();
    world.alive = false;
    await pass(8_000);
    assert.equal(world.lost, 0);
  });
});
