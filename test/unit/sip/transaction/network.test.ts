import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../../../src/shared/log.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { TransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeNetwork } from '../../../support/fake-wire.ts';

/** Longer than any transaction lives: the answer may wait 40 s, and after that 64*T1 pass twice, and timer D. */
const longEnough = 200_000;

/** When the caller gives up. */
const patience = 110_000;

interface Plan {
  method: 'INVITE' | 'OPTIONS';
  transport: 'udp' | 'tcp';
  provisional: readonly { after: number; status: number }[];
  final: { after: number; status: number };
  cancelAfter: number | undefined;
  acknowledges: boolean;
  /** Of one message each, over and over: the delays of its copies. */
  fates: readonly (readonly number[])[];
}

const delay = fc.integer({ min: 0, max: 40_000 });
const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant([1]) },
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 3 }) },
);

function plans(transport: 'udp' | 'tcp'): fc.Arbitrary<Plan> {
  const lossy = fc.array(fate, { minLength: 1, maxLength: 20 });
  return fc.record({
    method: fc.constantFrom('INVITE', 'OPTIONS'),
    transport: fc.constant(transport),
    provisional: fc.array(fc.record({ after: delay, status: fc.integer({ min: 101, max: 199 }) }), { maxLength: 3 }),
    final: fc.record({ after: delay, status: fc.constantFrom(200, 202, 302, 404, 486, 503, 603) }),
    cancelAfter: fc.option(delay, { nil: undefined }),
    acknowledges: fc.boolean(),
    fates: transport === 'tcp' ? fc.constant([[1]]) : lossy,
  });
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`over ${transport}, whatever is lost, doubled or late: all ends, each user hears each thing once`, async () => {
    await fc.assert(fc.asyncProperty(plans(transport), play), { numRuns: 150 });
  });
}

async function play(plan: Plan): Promise<void> {
  const clock = new FakeClock();
  let n = 0;
  const network = new FakeNetwork(clock, () => plan.fates[n++ % plan.fates.length] ?? []);
  const client = new TransactionLayer(network.end('10.0.0.1', plan.transport), { clock, log: silentLog });
  const server = new TransactionLayer(network.end('10.0.0.2', plan.transport), { clock, log: silentLog });

  const served: string[] = [];
  server.on('request', (transaction) => {
    served.push('request');
    const { request } = transaction;
    const respond = (status: number): void => {
      if (!transaction.answered)
        transaction.respond(Draft.answering(request, status).add('Contact', '<sip:b@10.0.0.2>'));
    };
    transaction.handle({
      cancelled: () => {
        served.push('cancelled');
        respond(487);
      },
      unacknowledged: () => served.push('unacknowledged'),
      ended: () => served.push('ended'),
    });
    for (const { after, status } of plan.provisional) clock.after(after, () => respond(status));
    clock.after(plan.final.after, () => respond(plan.final.status));
  });
  server.on('ack', () => served.push('ack'));

  const heard: string[] = [];
  const transaction = client.request(
    newRequest(plan.method),
    { transport: plan.transport, address: '10.0.0.2', port: 5060 },
    {
      response: (response) => {
        if (response.status < 200) heard.push('1xx');
        else heard.push('final');
        if (plan.method !== 'INVITE' || response.status < 200 || response.status >= 300 || !plan.acknowledges) return;
        const ack = Draft.request('ACK', 'sip:b@10.0.0.2')
          .add('From', response.get('From') ?? '')
          .add('To', response.get('To') ?? '')
          .add('Call-ID', response.callId)
          .add('CSeq', `${response.cseq.sequence} ACK`);
        client.acknowledge(transaction, response.to.parameters.get('tag') ?? '', ack, transaction.target);
      },
      timeout: () => heard.push('timeout'),
      transportError: () => heard.push('transport error'),
      ended: () => heard.push('ended'),
    },
  );
  if (plan.cancelAfter !== undefined) clock.after(plan.cancelAfter, () => void client.cancel(transaction));

  // As any user must: an INVITE in Proceeding has no timer of its own (17.1.1.2), its final response may be lost for good.
  clock.after(patience, () => void client.cancel(transaction));

  await clock.advance(longEnough);

  assert.equal(heard.at(-1), 'ended', 'the client transaction ended');
  const outcomes = heard.filter((what) => what === 'final' || what === 'timeout' || what === 'transport error');
  assert.equal(outcomes.length, 1, `exactly one outcome: ${heard.join(' ')}`);
  assert.equal(heard.indexOf('ended'), heard.length - 1, 'nothing after the end, and one end');
  const afterOutcome = heard.slice(heard.findIndex((what) => what === outcomes[0]) + 1);
  assert.deepEqual(afterOutcome, ['ended'], 'no provisional response after the outcome');

  assert.deepEqual(client.alive, { clients: 0, servers: 0 });
  assert.deepEqual(server.alive, { clients: 0, servers: 0 });
  assert.equal(clock.pendingTimers, 0, 'no timer outlives its transaction');

  const times = (what: string): number => served.filter((one) => one === what).length;
  assert.ok(times('cancelled') <= times('request'));
  // A copy that arrives when the transaction is forgotten begins a new one, as it must: only then is a request seen twice.
  assert.equal(times('ended'), times('request'));
  assert.ok(times('ack') + times('unacknowledged') <= times('request'));
  if (plan.transport === 'tcp') assert.deepEqual(times('request'), 1);
}

function newRequest(method: string): Draft {
  return Draft.request(method, 'sip:b@10.0.0.2')
    .add('From', '<sip:a@10.0.0.1>;tag=a1')
    .add('To', '<sip:b@10.0.0.2>')
    .add('Call-ID', 'call-1')
    .add('CSeq', `1 ${method}`)
    .add('Contact', '<sip:a@10.0.0.1>');
}
