// However a call ends: when it is over nothing of it is kept, neither at the SIP server, nor in the trunk, nor in the books of
// drachtio-srf, which forgets nothing by itself.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test, type TestContext } from 'node:test';
import type { Request } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import type { PeerCall, SipPeer } from '../../support/sip-peer.ts';
import { dialRequest, Happenings, sdp, World, type Incoming } from './world.ts';

/** Milliseconds; short, so that 64*T1 passes within a test. */
const t1 = 20;
const credentials = { username: 'ringaway', password: 'secret' };
const challenge = 'WWW-Authenticate: Digest realm="ngn", nonce="1", algorithm=MD5';

/** Brings one call from its beginning to its end. */
type Ending = (world: World, phone: SipPeer) => Promise<unknown>;

interface ComingIn extends Incoming {
  peer: SipPeer;
  sip: PeerCall;
}

async function comingIn(world: World): Promise<ComingIn> {
  const peer = await world.caller();
  const sip = peer.invite(world.port, { body: sdp(1) });
  await peer.response(180, 'INVITE');
  return { ...(await world.incoming()), peer, sip };
}

async function standing(world: World): Promise<ComingIn> {
  const come = await comingIn(world);
  const answered = come.call.leg.answer(sdp(2));
  come.sip.ack(await come.peer.response(200, 'INVITE'));
  await answered;
  return come;
}

async function goingOut(world: World, phone: SipPeer) {
  const happenings = new Happenings();
  const leg = world.trunk.dial(dialRequest(), happenings.events);
  const invite = await phone.request('INVITE');
  phone.answer(invite, 180);
  await happenings.until('progress 180');
  return { leg, happenings, invite };
}

async function accept(phone: SipPeer, invite: Request): Promise<void> {
  phone.answer(invite, 200, { body: sdp(5) });
  await phone.request('ACK');
}

/** The INVITE that follows the challenge, and no copy of the one before it. */
async function withCredentials(phone: SipPeer): Promise<Request> {
  const invite = await phone.expect(
    'an INVITE with credentials',
    (message) => message.get('Authorization') !== undefined,
  );
  assert.ok(invite.kind === 'request');
  return invite;
}

const endings: Record<string, Ending> = {
  async 'the caller hangs up'(world) {
    const { peer, sip } = await standing(world);
    sip.sendRequest('BYE');
    await peer.response(200, 'BYE');
  },
  async 'we hang up'(world) {
    const { peer, call } = await standing(world);
    const gone = call.leg.hangUp();
    peer.answer(await peer.request('BYE'), 200);
    await gone;
  },
  async 'we hang up, and nobody answers the BYE'(world) {
    const { call } = await standing(world);
    await call.leg.hangUp();
  },
  async 'both hang up at once'(world) {
    const { peer, call, sip } = await standing(world);
    const gone = call.leg.hangUp();
    sip.sendRequest('BYE');
    peer.answer(await peer.request('BYE'), 200);
    await gone;
  },
  async 'the caller takes it back'(world) {
    const { peer, sip, happenings } = await comingIn(world);
    sip.cancel();
    sip.ackFailure(await peer.response(487, 'INVITE'));
    await happenings.until('cancelled');
  },
  async 'the CANCEL crosses our 200'(world) {
    const peer = await world.caller();
    const happenings = new Happenings();
    const answered = new Promise((resolve) => {
      world.trunk.onIncoming(({ leg }) => {
        resolve(assert.rejects(leg.answer(sdp(2))));
        return happenings.events;
      });
    });
    // Both datagrams are there before the server reads: it has ended the INVITE when our 200 comes.
    const sip = peer.invite(world.port);
    sip.cancel();
    sip.ackFailure(await peer.response(487, 'INVITE'));
    await answered;
    await happenings.until('cancelled');
  },
  async 'it is refused'(world) {
    const { peer, sip, call } = await comingIn(world);
    call.leg.reject(480);
    sip.ackFailure(await peer.response(480, 'INVITE'));
  },
  async 'our 200 is never acknowledged'(world) {
    const { call } = await comingIn(world);
    await assert.rejects(call.leg.answer(sdp(2)));
  },
  async 'a re-INVITE and an INFO before the end'(world) {
    const { peer, sip, happenings } = await standing(world);
    sip.sendRequest('INVITE', { body: sdp(3), headers: [sip.contact] });
    await happenings.until('request INVITE');
    happenings.requests.at(-1)?.answer({ status: 200, contentType: 'application/sdp', body: sdp(4) });
    sip.ack(await peer.response(200, 'INVITE'));
    sip.sendRequest('INFO');
    await happenings.until('request INFO');
    happenings.requests.at(-1)?.answer({ status: 200 });
    await peer.response(200, 'INFO');
    sip.sendRequest('BYE');
    await peer.response(200, 'BYE');
  },
  async 'the target is busy'(world, phone) {
    const { invite, happenings } = await goingOut(world, phone);
    phone.answer(invite, 486);
    await phone.request('ACK');
    await happenings.until('failed');
  },
  async 'the target answers, and hangs up'(world, phone) {
    const { leg, invite, happenings } = await goingOut(world, phone);
    await accept(phone, invite);
    await happenings.until('answered');
    const gone = leg.hangUp();
    phone.answer(await phone.request('BYE'), 200);
    await gone;
  },
  async 'we take our call back'(world, phone) {
    const { leg, invite } = await goingOut(world, phone);
    const gone = leg.hangUp();
    phone.answer(await phone.request('CANCEL'), 200);
    phone.answer(invite, 487);
    await phone.request('ACK');
    await gone;
  },
  async 'we take our call back, and nobody answers that'(world, phone) {
    const { leg } = await goingOut(world, phone);
    await leg.hangUp();
  },
  async 'the answer crosses our CANCEL'(world, phone) {
    const { leg, invite } = await goingOut(world, phone);
    const gone = leg.hangUp();
    await phone.request('CANCEL');
    await accept(phone, invite);
    phone.answer(await phone.request('BYE'), 200);
    await gone;
  },
  async 'the gateway is silent'(world) {
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    await happenings.until('failed');
  },
  async 'the gateway asks for credentials'(world, phone) {
    const happenings = new Happenings();
    const leg = world.trunk.dial(dialRequest(), happenings.events);
    phone.answer(await phone.request('INVITE'), 401, { headers: [challenge] });
    await phone.request('ACK');
    await accept(phone, await withCredentials(phone));
    await happenings.until('answered');
    const gone = leg.hangUp();
    phone.answer(await phone.request('BYE'), 200);
    await gone;
  },
  async 'the gateway does not take our credentials'(world, phone) {
    const happenings = new Happenings();
    world.trunk.dial(dialRequest(), happenings.events);
    phone.answer(await phone.request('INVITE'), 401, { headers: [challenge] });
    phone.answer(await withCredentials(phone), 401, { headers: [challenge] });
    await happenings.until('failed');
  },
};

/** Watches drachtio-srf open its books; the function returned gives those of the connections since it was last called. */
function booksOf(t: TestContext): () => () => Record<string, number> {
  const load: (name: string) => unknown = createRequire(import.meta.url);
  const Agent = load('drachtio-srf/lib/drachtio-agent');
  assert.ok(typeof Agent === 'function');
  const agent: unknown = Agent.prototype;
  assert.ok(isAgent(agent));
  const { mock } = t.mock.method(agent, '_initServer');
  return () => {
    const owners = mock.calls.flatMap(({ result, this: owner }) => [result, owner]);
    const entries = owners.flatMap((owner): [string, unknown][] =>
      owner instanceof Object ? Object.entries(owner) : [],
    );
    const books = entries.filter(([name]) => name.startsWith('pending'));
    mock.resetCalls();
    assert.equal(books.length, 7, 'each of the books is there');
    return () => Object.fromEntries(books.map(([name, book]) => [name, sizeOf(book)]));
  };
}

function sizeOf(book: unknown): number {
  assert.ok(book instanceof Map || book instanceof Set);
  return book.size;
}

function isAgent(value: unknown): value is { _initServer: (socket: unknown) => object } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, '_initServer') === 'function';
}

test('nothing of a call is left behind, however it ended', { timeout: 60_000 }, async (t) => {
  await using worlds = new AsyncDisposableStack();
  const opened = booksOf(t);
  const left: Record<string, () => Record<string, number>> = {};
  for (const [name, end] of Object.entries(endings)) {
    const world = worlds.use(await World.start({ t1, trunk: { credentials } }));
    const books = opened();
    await end(world, world.gateway()).catch((error: unknown) => {
      throw new Error(name, { cause: error });
    });
    left[name] = () => {
      const { transactions, dialogs } = world.server.stats();
      return { ...books(), ...transactions, dialogs, legs: world.trunk.stats().legs };
    };
  }
  // The last transaction takes in repetitions for 64*T1
  for (const [name, sizes] of Object.entries(left)) {
    await eventually(name, () => Object.values(sizes()).every((size) => size === 0)).catch(() => undefined);
    assert.deepEqual(
      Object.entries(sizes()).filter(([, size]) => size !== 0),
      [],
      name,
    );
  }
});
