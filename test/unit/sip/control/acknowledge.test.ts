import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { silentLog } from '../../../../src/shared/log.ts';
import { acknowledge } from '../../../../src/sip/control/acknowledge.ts';
import { Application } from '../../../../src/sip/control/application.ts';
import type { ApplicationRequest } from '../../../../src/sip/control/application-message.ts';
import { Exchange } from '../../../../src/sip/control/exchange.ts';
import { inMemoryPair } from '../../../../src/sip/control/in-memory-socket.ts';
import { requestInDialog } from '../../../../src/sip/control/request-in-dialog.ts';
import { requestOutOfDialog } from '../../../../src/sip/control/request-out-of-dialog.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { TransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import { Locator } from '../../../../src/sip/transport/locator.ts';
import type { Answer } from '../../../../src/sip/transport/name-server.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeNetwork } from '../../../support/fake-wire.ts';

const [us, phone] = ['10.0.0.1', '10.0.0.2'];

/** An application that calls a phone whose Contact is a name; the test answers for the name server. */
function open(t: TestContext) {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  const asked: PromiseWithResolvers<Answer<string>>[] = [];
  const names = {
    naptr: () => Promise.resolve({ records: [], ttl: 0 }),
    srv: () => Promise.resolve({ records: [], ttl: 0 }),
    addresses: () => {
      const answer = Promise.withResolvers<Answer<string>>();
      asked.push(answer);
      return answer.promise;
    },
  };
  const reach = {
    listensOn: (transport: string) => transport === 'udp',
    families: () => [4] as const,
    connectedTo: () => undefined,
    hasTcp: () => false,
  };
  const exchange = new Exchange({
    layer: new TransactionLayer(network.end(us), { clock, log: silentLog }),
    locator: new Locator({ reach, names, clock }),
    clock,
    log: silentLog,
    callRecords: false,
    passUnknownReplaces: false,
    hangUpOrphans: false,
  });
  const remote = network.end(phone);
  const [socket, other] = inMemoryPair();
  t.after(() => {
    socket.destroy();
    other.destroy();
  });
  const application = new Application(socket, 'in-process');

  const write = (method: string): ApplicationRequest => ({
    kind: 'request',
    startLine: `${method} sip:bob@${phone}:5060 SIP/2.0`,
    method,
    requestUri: `sip:bob@${phone}:5060`,
    headers: [],
    body: Buffer.alloc(0),
  });
  /** What the phone has got; all that can happen without the name server has happened. */
  const got = async (): Promise<string[]> => {
    await settled();
    await clock.advance(1);
    await settled();
    return network.sent
      .filter(({ from }) => from === us)
      .map(({ message }) => (message.kind === 'request' ? message.method : String(message.status)));
  };
  const answerInvite = () => {
    const invite = network.sent.find(({ message }) => message.kind === 'request' && message.method === 'INVITE');
    assert.ok(invite?.message.kind === 'request');
    const ok = Draft.answering(invite.message, 200).add('Contact', '<sip:bob@phone.example:5060>');
    ok.set('To', `${invite.message.get('To') ?? ''};tag=bob`);
    remote.post(ok.toBuffer(), { transport: 'udp', address: us, port: 5060 });
  };
  return {
    asked,
    got,
    answerInvite,
    /** The application's INVITE, answered. */
    async call(): Promise<string> {
      requestOutOfDialog(exchange, application, '1', write('INVITE'), '');
      assert.deepEqual(await got(), ['INVITE']);
      answerInvite();
      await got();
      const [dialog] = exchange.dialogs;
      assert.ok(dialog);
      return dialog.id;
    },
    ack: (dialogId: string) => acknowledge(exchange, application, '2', dialogId, write('ACK')),
    bye: (dialogId: string) => requestInDialog(exchange, application, '3', dialogId, write('BYE')),
    addressFound: () => asked.shift()?.resolve({ records: [phone], ttl: 60 }),
    addressNotFound: () => asked.shift()?.reject(new Error('no name server')),
  };
}

/** All that waits for nobody has been done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the ACK for a 2xx whose address has to be asked for', () => {
  test('leaves before the BYE that the application sends at once', async (t) => {
    const world = open(t);
    const dialog = await world.call();
    world.ack(dialog);
    world.bye(dialog);
    assert.deepEqual(await world.got(), ['INVITE']);
    world.addressFound();
    assert.deepEqual(await world.got(), ['INVITE', 'ACK', 'BYE']);
  });

  test('leaves once for copies of the 2xx that came before it, and again for one that comes after', async (t) => {
    const world = open(t);
    const dialog = await world.call();
    world.answerInvite();
    assert.deepEqual(await world.got(), ['INVITE']);
    world.ack(dialog);
    world.answerInvite();
    assert.deepEqual(await world.got(), ['INVITE']);
    world.addressFound();
    assert.deepEqual(await world.got(), ['INVITE', 'ACK']);
    world.answerInvite();
    assert.deepEqual(await world.got(), ['INVITE', 'ACK', 'ACK']);
  });

  test('leaves with the next copy of the 2xx when the address was not found at first', async (t) => {
    const world = open(t);
    world.ack(await world.call());
    await world.got();
    world.addressNotFound();
    assert.deepEqual(await world.got(), ['INVITE']);
    world.answerInvite();
    await world.got();
    world.addressFound();
    assert.deepEqual(await world.got(), ['INVITE', 'ACK']);
  });
});
