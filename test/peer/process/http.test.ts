// What operators and their machines are told over HTTP by the service as a process.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';
import type { ServiceProcess } from '../../support/process/process.ts';
import { startRtpengine, rtpengineMissing, type RunningRtpengine } from '../../support/rtpengine.ts';

const get = async (scene: Scene, path: string) => {
  const answer = await fetch(`http://${scene.http}${path}`);
  const body: unknown = await answer.json();
  return { status: answer.status, body };
};

describe('health, readiness and metrics of the service', { timeout: 60_000 }, () => {
  let scene: Scene;
  let service: ServiceProcess;
  before(async () => {
    scene = await openScene({ calls: { drainWithin: '10s' } });
    service = await scene.serve();
    await scene.subscribe('shop1', numbers.first);
  });
  after(() => scene.close());

  test('alive and ready, with each part named', async () => {
    const health = await get(scene, '/health');
    assert.equal(health.status, 200);
    assert.match(JSON.stringify(health.body), /"status":"alive","uptimeSeconds":\d+/);
    await eventually('ready', async () => (await get(scene, '/ready')).status === 200);
    const { body } = await get(scene, '/ready');
    for (const part of ['store', 'sip', 'gateways', 'media', 'calls'])
      assert.match(JSON.stringify(body), new RegExp(`"${part}":{"ok":true`));
  });

  test('the delay of the event loop since the last scrape', async () => {
    const text = await (await fetch(`http://${scene.http}/metrics`)).text();
    for (const statistic of ['mean', 'max', 'p99']) {
      const seconds = Number(new RegExp(`^nodejs_eventloop_lag_${statistic}_seconds (\\S+)$`, 'm').exec(text)?.[1]);
      assert.ok(seconds > 0 && seconds < 60, `${statistic}: ${seconds} s`);
    }
  });

  test('the metrics of calls: by state while they stand, by reason when they ended, times of each step, messages', async () => {
    const metric = (line: string) => scene.metric(line);
    const terminal = await scene.terminal('shop1');
    assert.equal(await metric('ringaway_terminals_connected'), 1);
    assert.equal(await metric('ringaway_accounts_connected'), 1);
    assert.equal(await metric('ringaway_terminal_logins_total{outcome="ok"}'), 1);

    scene.phones.caller.call(numbers.first);
    const call = await terminal.incoming();
    assert.equal(await metric('ringaway_calls{state="waiting"}'), 1);
    assert.ok((await terminal.client.transfer({ callId: call.id, to: numbers.final })).ok);
    await terminal.state('connected');
    assert.equal(await metric('ringaway_calls{state="waiting"}'), 0);
    assert.equal(await metric('ringaway_calls{state="connected"}'), 1);
    assert.equal(await metric('ringaway_sip_dialogs'), 2);
    scene.phones.caller.hangUp();
    await terminal.ended();
    await scene.stage.quiet(10_000);

    // A second one, of which nobody takes care
    const declined = terminal.told.length;
    scene.phones.caller.call(numbers.first);
    const second = await terminal.when(
      'a second call',
      ({ event, call: { id } }) => event === 'incoming' && id !== call.id,
    );
    assert.ok((await terminal.client.decline(second.id)).ok);
    await eventually('its end', () => terminal.told.slice(declined).some(({ event }) => event === 'ended'));
    scene.phones.caller.hangUp();
    await scene.stage.quiet(10_000);

    for (const state of ['arriving', 'waiting', 'connecting', 'ringing', 'connected', 'held'])
      assert.equal(await metric(`ringaway_calls{state="${state}"}`), 0, `calls that are ${state}`);
    assert.equal(await metric('ringaway_calls_ended_total{reason="completed"}'), 1);
    assert.equal(await metric('ringaway_calls_ended_total{reason="declined"}'), 1);
    assert.equal(await metric('ringaway_calls_ended_total{reason="interrupted"}'), 0);
    for (const [step, count] of Object.entries({ notify: 2, decide: 1, dial: 1, ring: 1, answer: 1 })) {
      assert.equal(await metric(`ringaway_call_step_seconds_count{step="${step}"}`), count, step);
      const seconds = await metric(`ringaway_call_step_seconds_sum{step="${step}"}`);
      assert.ok(seconds >= 0 && seconds < 10, `${step} took ${seconds} s`);
    }
    // The final phone answers after 50 ms: a time in the wrong unit would show.
    assert.ok((await metric('ringaway_call_step_seconds_sum{step="answer"}')) >= 0.05);
    assert.equal(await metric('ringaway_notifications_total{event="sent"}'), 2);
    assert.equal(await metric('ringaway_notifications_total{event="acknowledged"}'), 2);
    assert.equal(await metric('ringaway_sip_messages_received_total{kind="INVITE"}'), 2);
    assert.equal(await metric('ringaway_sip_messages_sent_total{kind="INVITE"}'), 1);
    assert.equal(await metric('ringaway_sip_messages_received_total{kind="BYE"}'), 1);
    assert.equal(await metric('ringaway_sip_messages_sent_total{kind="BYE"}'), 1);
    assert.ok((await metric('ringaway_sip_messages_sent_total{kind="2xx"}')) >= 1);
    assert.equal(await metric('ringaway_sip_dialogs'), 0);
    assert.equal(await metric('ringaway_unhandled_rejections_total'), 0);
    terminal.client.disconnect();
    await eventually('no terminal', async () => (await metric('ringaway_terminals_connected')) === 0);
  });

  test('while it drains it is alive and not ready, and says why', async () => {
    const terminal = await scene.terminal('shop1', 'drain');
    await scene.connect(terminal);
    service.signal('SIGTERM');
    await eventually('not ready', async () => (await get(scene, '/ready')).status === 503);
    const { body } = await get(scene, '/ready');
    assert.match(JSON.stringify(body), /"ready":false.*"calls":{"ok":false,"reason":"the service is stopping"}/);
    assert.equal((await get(scene, '/health')).status, 200);
    scene.phones.caller.hangUp();
    assert.deepEqual(await service.exit(), { code: 0, signal: null });
  });
});

describe('readiness with a dead engine', { skip: rtpengineMissing() ?? false, timeout: 60_000 }, () => {
  let scene: Scene;
  let engine: RunningRtpengine;
  let service: ServiceProcess;
  before(async () => {
    engine = await startRtpengine();
    scene = await openScene({ media: { mode: 'rtpengine', engines: [engine.engine], timeout: '300ms' } });
    service = await scene.serve();
  });
  after(async () => {
    await scene.close();
    await engine.stop();
  });

  test('503 with the reason while it is dead, 200 when it is back', async () => {
    await eventually('ready', async () => (await get(scene, '/ready')).status === 200);
    await engine.kill();
    await eventually('not ready', async () => (await get(scene, '/ready')).status === 503);
    const { body } = await get(scene, '/ready');
    assert.match(JSON.stringify(body), /"media":{"ok":false,"reason":"no rtpengine answers, or all of them drain"}/);
    assert.equal((await get(scene, '/health')).status, 200);
    await engine.restart();
    await eventually('ready again', async () => (await get(scene, '/ready')).status === 200);
  });

  test('SIGHUP takes the engines out of the settings anew: one that drains gets no calls; wrong settings change nothing', async () => {
    const up = (drains: number) => `ringaway_media_engine_draining{engine="${engine.engine}"} ${drains}`;
    const metrics = async () => await (await fetch(`http://${scene.http}/metrics`)).text();
    const settings = await readFile(scene.config, 'utf8');
    const change = async (drain: boolean) => {
      // The file is JSON, which is YAML.
      const media = { mode: 'rtpengine', engines: [{ address: engine.engine, drain }], timeout: '300ms' };
      const changed: unknown = { ...(JSON.parse(settings) as object), media };
      await writeFile(scene.config, JSON.stringify(changed));
      service.signal('SIGHUP');
    };
    assert.ok((await metrics()).includes(up(0)));
    await change(true);
    await eventually('it drains', async () => (await metrics()).includes(up(1)));
    assert.equal((await get(scene, '/ready')).status, 503);
    await writeFile(scene.config, 'media: { mode: wrong }');
    service.signal('SIGHUP');
    await service.line('out', /the settings are wrong, and stay as they were/);
    assert.ok((await metrics()).includes(up(1)));
    await change(false);
    await eventually('it takes calls again', async () => (await get(scene, '/ready')).status === 200);
  });
});
