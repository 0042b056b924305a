/** Each torture message to the product's trunk on the built-in SIP server, over UDP and over TCP. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test, type TestContext } from 'node:test';
import { invalid } from './rfc4475-invalid.ts';
import { semantics } from './rfc4475-semantics.ts';
import { valid } from './rfc4475-valid.ts';
import { ipv6 } from './rfc5118.ts';
import type { Torture } from './torture.ts';
import { busy, connectTcp, openUdp, sentinel, startWorld, type Sender, type World } from './world.ts';

const rfc4475 = [...valid, ...invalid, ...semantics];

async function played(world: World, sender: Sender, torture: Torture, answered: Torture['answered']): Promise<void> {
  const { answers } = sender;
  const callsBefore = world.calls.length;
  sender.send(torture.octets);
  if (answered === 'nothing') {
    sender.send(sentinel());
    await answers.until('answer to the OPTIONS behind it', () => answers.finals(true).length > 0);
    assert.deepEqual(answers.finals(false), []);
  } else {
    const status = answered === 'call' ? busy : answered;
    await answers.until(`${status}`, () => answers.finals(false).length > 0);
    assert.equal(answers.finals(false)[0], status, answers.text);
  }
  assert.equal(world.calls.length - callsBefore, answered === 'call' ? 1 : 0);
}

/** Each has a server of its own: some messages look like retransmissions of others. */
async function opened(t: TestContext, host = '127.0.0.1'): Promise<World> {
  const world = await startWorld(host);
  t.after(() => world.close());
  return world;
}

describe('RFC 4475 over UDP', { timeout: 60_000 }, () => {
  for (const torture of rfc4475) {
    test(`${torture.clause} ${torture.name}, ${torture.title}: ${torture.answered}`, async (t) => {
      const world = await opened(t);
      const sender = await openUdp(world.port('udp'));
      if (!sender) {
        t.skip('NOT TESTED: another program has port 5060 of all loopback addresses');
        return;
      }
      t.after(() => sender.close());
      await played(world, sender, torture, torture.answered);
    });
  }
});

describe('RFC 4475 over TCP', { timeout: 60_000 }, () => {
  // dblreq is two messages on a stream, see below.
  const single = rfc4475.filter(({ name }) => name !== 'dblreq');
  overTcp('127.0.0.1', '127.0.0.1', single);
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
describe('RFC 5118 over TCP', { timeout: 60_000, skip: hasIpv6 ? false : 'NOT TESTED: this machine has no IPv6' }, () =>
  overTcp('[::1]', '::1', ipv6),
);

function overTcp(host: string, address: string, messages: readonly Torture[]): void {
  for (const torture of messages) {
    const { onStream } = torture;
    test(`${torture.clause} ${torture.name}, ${torture.title}: ${onStream ?? torture.answered}`, async (t) => {
      const world = await opened(t, host);
      const sender = await connectTcp(world.port('tcp'), address);
      t.after(() => sender.close());
      if (onStream === 'nothing') {
        // What follows belongs to the body that is announced, so only another connection can tell that time has passed.
        const other = await connectTcp(world.port('tcp'), address);
        t.after(() => other.close());
        sender.send(torture.octets);
        other.send(sentinel());
        await other.answers.until('answer to the OPTIONS', () => other.answers.finals(true).length > 0);
        assert.equal(sender.answers.text, '');
        assert.equal(sender.answers.closed, false);
        return;
      }
      await played(world, sender, torture, torture.answered);
      if (onStream === 'closed') await sender.answers.until('end of the connection', () => sender.answers.closed);
      else assert.equal(sender.answers.closed, false);
    });
  }
}

describe('what one message of RFC 4475 says only together with others', { timeout: 30_000 }, () => {
  test('3.1.1.8 dblreq: on a stream the second message is one, too', async (t) => {
    const world = await opened(t);
    const sender = await connectTcp(world.port('tcp'), '127.0.0.1');
    t.after(() => sender.close());
    sender.send(named('dblreq').octets);
    // The INVITE's body is longer than it says: what is left over is no message, and the stream is closed.
    await sender.answers.until('end of the connection', () => sender.answers.closed);
    const { received } = world.server.stats();
    assert.deepEqual([received['REGISTER'], received['INVITE']], [1, 1]);
  });

  test('3.2.1 badbranch: two requests with nothing behind the cookie are two', async (t) => {
    const world = await opened(t);
    const sender = await connectTcp(world.port('tcp'), '127.0.0.1');
    t.after(() => sender.close());
    const { octets } = named('badbranch');
    sender.send(octets);
    sender.send(Buffer.from(octets.toString().replace('Call-ID: ', 'Call-ID: another-')));
    await sender.answers.until('two answers', () => sender.answers.finals(false).length === 2);
    assert.match(sender.answers.text, /^Call-ID: badbranch/m);
    assert.match(sender.answers.text, /^Call-ID: another-badbranch/m);
  });

  test('3.3.5 bext01: the tags of Require come back, and only those', async (t) => {
    const world = await opened(t);
    const sender = await connectTcp(world.port('tcp'), '127.0.0.1');
    t.after(() => sender.close());
    sender.send(named('bext01').octets);
    await sender.answers.until('an answer', () => sender.answers.finals(false).length > 0);
    assert.match(sender.answers.text, /^Unsupported: nothingSupportsThis, nothingSupportsThisEither\r$/m);
  });

  test('3.3.6 invut: what would be understood is said', async (t) => {
    const world = await opened(t);
    const sender = await connectTcp(world.port('tcp'), '127.0.0.1');
    t.after(() => sender.close());
    await played(world, sender, named('invut'), 415);
    assert.match(sender.answers.text, /^Accept: application\/sdp/m);
  });

  test('3.3.10 bcast: a response that is nobody’s is counted', async (t) => {
    const world = await opened(t);
    const sender = await connectTcp(world.port('tcp'), '127.0.0.1');
    t.after(() => sender.close());
    await played(world, sender, named('bcast'), 'nothing');
    assert.equal(world.server.stats().stray, 1);
    assert.deepEqual(world.server.stats().transactions.clients, 0);
  });
});

function named(name: string): Torture {
  const found = rfc4475.find((torture) => torture.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}
