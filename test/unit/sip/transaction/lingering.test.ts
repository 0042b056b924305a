import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../../src/shared/log.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { parseMessage } from '../../../../src/sip/message/parse.ts';
import { TransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import type { Flow, Wire, WireEvents } from '../../../../src/sip/transaction/wire.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { usedMemory } from '../../../support/memory.ts';

const transactions = 100;
const octets = 20_000;
const target = { transport: 'udp', address: '10.0.0.2', port: 5060 } as const;
const local = { transport: 'udp', address: '10.0.0.1', port: 5060 } as const;
const flow: Flow = {
  ...{ transport: 'udp', localAddress: '10.0.0.1', localPort: 5060 },
  ...{ remoteAddress: '10.0.0.2', remotePort: 5060 },
};

/** A peer that answers each request at once with a long 200. */
function answering(clock: FakeClock): Wire {
  const told: ((...payload: WireEvents['message']) => void)[] = [];
  return {
    localFor: () => local,
    on: (event, listener) => {
      // A listener of this event takes its payload
      if (event === 'message') told.push(listener as (...payload: WireEvents['message']) => void);
    },
    post: (request) => {
      const message = parseMessage(request);
      assert.equal(message.kind, 'request');
      const response = Draft.answering(message, 200).add('X-Padding', 'x'.repeat(8_000));
      response.add('X-Padding', 'x'.repeat(8_000)).add('X-Padding', 'x'.repeat(4_000));
      const answer = response.toBuffer();
      clock.after(1, () => told.forEach((tell) => tell(parseMessage(answer), flow)));
    },
  };
}

test('a request of ours that was answered waits for copies of its answer (timer K) without keeping it', async () => {
  const clock = new FakeClock();
  const layer = new TransactionLayer(answering(clock), { clock, log: silentLog });
  let answered = 0;
  const ask = () =>
    layer.request(
      Draft.request('OPTIONS', 'sip:b@10.0.0.2')
        .add('From', '<sip:a@10.0.0.1>;tag=a1')
        .add('To', '<sip:b@10.0.0.2>')
        .add('Call-ID', 'call-1')
        .add('CSeq', '1 OPTIONS'),
      target,
      { response: () => answered++ },
    );
  ask();
  await clock.advance(10);
  const before = await usedMemory();
  for (let n = 0; n < transactions; n++) {
    ask();
    await clock.advance(1);
  }
  assert.equal(answered, transactions + 1);
  assert.equal(layer.alive.clients, transactions + 1);
  const kept = ((await usedMemory()) - before) / transactions;
  assert.ok(kept < octets / 4, `${kept} octets for each answer of ${octets}`);
  await clock.advance(10_000);
  assert.equal(layer.alive.clients, 0);
});
