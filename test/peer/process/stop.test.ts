// How the service stops: by signals to its process, with calls that stand.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import type { Phone } from '../../../src/simulate/phone.ts';
import { Endpoint } from '../../../src/simulate/sip/endpoint.ts';
import { offerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { Draft } from '../../../src/sip/message/draft.ts';
import { newCallId, newTag } from '../../../src/sip/transaction/ids.ts';
import type { Response } from '../../../src/sip/message/message.ts';
import { eventually } from '../../support/eventually.ts';
import { asBuilt, notBuilt, type RunOptions, type ServiceProcess } from '../../support/process/process.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';
import type { WatchedTerminal } from '../../support/site.ts';

/** The final response to an INVITE that is sent straight to the trunk. */
async function invite(trunk: string): Promise<Response> {
  const endpoint = await Endpoint.open('127.0.0.1', 0, { clock: systemClock, log: silentLog, seen: () => undefined });
  const draft = Draft.request('INVITE', `sip:${numbers.second}@${trunk}`)
    .add('From', `<sip:${numbers.caller}@${endpoint.hostPort}>;tag=${newTag()}`)
    .add('To', `<sip:${numbers.first}@${trunk}>`)
    .add('Call-ID', newCallId())
    .add('CSeq', '1 INVITE')
    .add('Contact', endpoint.contact)
    .add('Content-Type', 'application/sdp');
  draft.body = Buffer.from(offerSdp({ address: '127.0.0.1', port: 40_000 }));
  try {
    return await new Promise<Response>((resolve, reject) => {
      endpoint.layer.request(draft, endpoint.targetOf(draft), {
        response: (response) => {
          if (response.status >= 200) resolve(response);
        },
        timeout: () => reject(new Error('the INVITE was not answered')),
        transportError: reject,
      });
    });
  } finally {
    await endpoint.close();
  }
}

const once = (phone: Phone, event: 'ended') =>
  new Promise<string | undefined>((resolve) => {
    const off = phone.events.on(event, (reason) => {
      off();
      resolve(reason);
    });
  });

interface Standing {
  scene: Scene;
  service: ServiceProcess;
  terminal: WatchedTerminal;
  /** Why the terminal's session was ended. */
  sessionEnd: Promise<string>;
}

/** A service with one connected call. */
async function standing(scene: Scene, options?: RunOptions): Promise<Standing> {
  const service = await scene.serve(options);
  await scene.subscribe('shop1', numbers.first);
  const terminal = await scene.terminal('shop1');
  const sessionEnd = new Promise<string>((resolve) => terminal.client.events.on('sessionEnded', resolve));
  await scene.connect(terminal);
  return { scene, service, terminal, sessionEnd };
}

describe('SIGTERM', { timeout: 60_000 }, () => {
  const inScene =
    (drainWithin: string, play: (standing: Standing) => Promise<void>, options?: RunOptions) => async () => {
      const scene = await openScene({ calls: { drainWithin } });
      try {
        await play(await standing(scene, options));
      } finally {
        await scene.close();
      }
    };

  const goesOn = async ({ scene, service, terminal, sessionEnd }: Standing) => {
    const { caller, final } = scene.phones;
    service.signal('SIGTERM');
    await eventually('not ready', async () => (await fetch(`http://${scene.http}/ready`)).status === 503);
    const refused = await invite(scene.trunk);
    assert.equal(refused.status, 503);
    assert.match(refused.get('Retry-After') ?? '', /^\d+$/);
    // New voice, not what was heard before the signal
    await Promise.all([caller.rtp.hears(620, 0.5, 5_000), final.rtp.hears(440, 0.5, 5_000)]);
    assert.equal(service.over, false);

    const ended = once(final, 'ended');
    caller.hangUp();
    await ended;
    assert.equal((await terminal.ended()).end?.reason, 'completed');
    assert.equal(await sessionEnd, 'service-down');
    assert.deepEqual(await service.exit(), { code: 0, signal: null });
    const { end, finalCalled, answeredAt } = await scene.closedRecord({ account: 'shop1' });
    assert.deepEqual([end?.reason, end?.by, finalCalled], ['completed', 'caller', numbers.final]);
    assert.ok(answeredAt !== undefined);
    await scene.stage.quiet(5_000);
  };
  test(
    'new calls get 503 with Retry-After; the standing one goes on to its end and is recorded; exit code 0',
    inScene('20s', goesOn),
  );
  test(
    'the same of the built command, through npx from the checkout',
    { skip: notBuilt() },
    inScene('20s', goesOn, { command: asBuilt }),
  );

  test(
    'at the limit the standing call is ended: BYE to both sides, recorded as interrupted, exit code 0',
    inScene('500ms', async ({ scene, service, terminal, sessionEnd }) => {
      const { caller, final } = scene.phones;
      const ends = Promise.all([once(caller, 'ended'), once(final, 'ended')]);
      const begun = performance.now();
      service.signal('SIGTERM');
      await ends;
      assert.ok(performance.now() - begun >= 500, 'not before the limit');
      assert.equal((await terminal.ended()).end?.reason, 'interrupted');
      assert.equal(await sessionEnd, 'service-down');
      assert.deepEqual(await service.exit(), { code: 0, signal: null });
      const { end, account, caller: who, finalCalled } = await scene.closedRecord({ account: 'shop1' });
      assert.deepEqual([end?.reason, end?.by], ['interrupted', 'service']);
      assert.deepEqual([account, who, finalCalled], ['shop1', numbers.caller, numbers.final]);
      await scene.stage.quiet(5_000);
    }),
  );

  test(
    'a second signal ends the process at once; the next start closes what it left',
    inScene('60s', async ({ scene, service }) => {
      service.signal('SIGTERM');
      await eventually('not ready', async () => (await fetch(`http://${scene.http}/ready`)).status === 503);
      const begun = performance.now();
      service.signal('SIGINT');
      assert.deepEqual(await service.exit(), { code: 130, signal: null });
      assert.ok(performance.now() - begun < 3_000);
      await scene.serve();
      assert.equal((await scene.closedRecord({ account: 'shop1' })).end?.reason, 'interrupted');
      scene.phones.caller.hangUp();
    }),
  );
});

describe('signals without calls', { timeout: 60_000 }, () => {
  let scene: Scene;
  before(async () => (scene = await openScene()));
  after(() => scene.close());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends it at once with exit code 0, and the port is free again`, async () => {
      const service = await scene.serve();
      const begun = performance.now();
      service.signal(signal);
      assert.deepEqual(await service.exit(), { code: 0, signal: null });
      assert.ok(performance.now() - begun < 5_000);
    });
  }

  test('each line of its log is JSON with a time and what happened', async () => {
    const service = await scene.serve();
    service.signal('SIGTERM');
    await service.exit();
    assert.ok(service.lines.out.length > 0);
    for (const line of service.lines.out) assert.match(line, /^\{"level":\d+,"time":"[^"]+Z",.*"msg":"[^"]+"\}$/);
  });
});
