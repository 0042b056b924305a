// The service with its SIP server in another process, over drachtio's control protocol on TCP.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withoutDrachtio } from '../../support/drachtio.ts';
import { eventually } from '../../support/eventually.ts';
import { freeTcpPort, Running, type ServiceProcess } from '../../support/process/process.ts';
import { numbers, openScene, type Scene } from '../../support/process/scene.ts';

/** Where the SIP server takes calls on loopback (UDP), as the service was told when it connected. */
async function trunkOf(service: ServiceProcess): Promise<string> {
  const [, listening = ''] = await service.line('out', /"listening":"([^"]*)".*connected to the SIP server/);
  const address = /udp\/(127\.0\.0\.1:\d+)/.exec(listening)?.[1];
  if (address === undefined) throw new Error(`the SIP server does not listen on 127.0.0.1 over UDP: ${listening}`);
  return address;
}

/** A whole call with voice over a SIP server that runs elsewhere, and its record. */
async function wholeCall(scene: Scene, service: ServiceProcess): Promise<void> {
  const trunk = await trunkOf(service);
  scene.stage.nameService(trunk);
  scene.stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: trunk });
  await scene.subscribe('shop1', numbers.first);
  const terminal = await scene.terminal('shop1');
  const stopped = new Promise<string | undefined>((resolve) => scene.phones.first.events.on('stopped', resolve));
  const id = await scene.connect(terminal);
  assert.match((await stopped) ?? '', /SIP\s*;\s*cause=200/i);
  assert.equal(scene.phones.final.shows, numbers.caller);
  scene.phones.caller.hangUp();
  await terminal.ended();
  const { end, caller, firstCalled, secondCalled, finalCalled } = await scene.closedRecord({ id });
  assert.deepEqual(
    [end?.reason, caller, firstCalled, secondCalled, finalCalled],
    ['completed', numbers.caller, numbers.first, numbers.second, numbers.final],
  );
  await scene.stage.quiet(10_000);
  terminal.client.disconnect();
}

describe('ringaway sip-server as a process', { timeout: 60_000 }, () => {
  let scene: Scene;
  let server: Running;
  let start: () => Promise<Running>;
  before(async () => {
    const control = await freeTcpPort();
    scene = await openScene({ sip: { server: `drachtio://ringaway:cymru@127.0.0.1:${control}` } });
    start = async () => {
      const running = new Running([
        ...['sip-server', '--contact', `sip:${scene.trunk};transport=udp`],
        ...['--address', '127.0.0.1', '--port', String(control), '--secret', 'cymru'],
      ]);
      await running.line('out', /the SIP server is ready/);
      return running;
    };
  });
  after(async () => {
    await scene.close();
    await server.kill();
  });
  const ready = (status: number) =>
    eventually(`/ready is ${status}`, async () => (await fetch(`http://${scene.http}/ready`)).status === status);

  test('the service starts before it, is not ready until it is there, and then plays a whole call with voice', async () => {
    const service = await scene.serve();
    await ready(503);
    server = await start();
    await ready(200);
    await wholeCall(scene, service);
  });

  test('it dies: its calls are ended and recorded; it comes back: the service reconnects and takes new calls', async () => {
    const { caller } = scene.phones;
    const terminal = await scene.terminal('shop1', 'survivor');
    const id = await scene.connect(terminal);
    await server.kill();
    const ended = await terminal.ended();
    assert.deepEqual([ended.id, ended.end?.reason], [id, 'failed']);
    const record = await scene.closedRecord({ id });
    assert.deepEqual([record.id, record.end?.reason, record.finalCalled], [id, 'failed', numbers.final]);
    assert.ok(record.answeredAt !== undefined);
    const answer = await fetch(`http://${scene.http}/ready`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /"sip":{"ok":false,"reason":"no SIP server is connected"}/);
    // Nobody tells the phones any more; the people hang up
    caller.hangUp();

    server = await start();
    await ready(200);
    terminal.client.disconnect();
    const later = await scene.terminal('shop1', 'later');
    const next = await scene.connect(later);
    caller.hangUp();
    assert.equal((await later.ended()).end?.reason, 'completed');
    assert.equal((await scene.closedRecord({ id: next })).end?.reason, 'completed');
    later.client.disconnect();
  });

  test('it dies while a call waits: the terminals are told and the record is closed', async () => {
    const terminal = await scene.terminal('shop1', 'waiting');
    scene.phones.caller.call(numbers.first);
    const { id } = await terminal.incoming();
    await server.kill();
    assert.equal((await terminal.ended()).id, id);
    const { account, end } = await scene.closedRecord({ id });
    assert.equal(account, 'shop1');
    assert.equal(end?.reason, 'failed');
    scene.phones.caller.hangUp();
    server = await start();
    await ready(200);
  });

  test('SIGTERM ends it with exit code 0', async () => {
    server.signal('SIGTERM');
    assert.deepEqual(await server.exit(), { code: 0, signal: null });
  });

  test('mistakes are said in one line with exit code 2', async () => {
    for (const [args, says] of [
      [['--contact', 'nonsense', '--secret', 'x'], /expected sip:address:port/],
      [['--contact', 'sip:127.0.0.1:0;transport=udp'], /--secret/],
      [['--external-ip', '203.0.113.7', '--secret', 'x'], /--contact/],
    ] as const) {
      const running = new Running(['sip-server', ...args]);
      assert.equal((await running.exit()).code, 2);
      assert.match(running.err, says);
      assert.equal(running.lines.err.length, 1);
    }
  });
});

describe('over a real drachtio-server', { skip: withoutDrachtio, timeout: 60_000 }, () => {
  let scene: Scene;
  let service: ServiceProcess;
  before(async () => {
    scene = await openScene({ sip: { server: process.env['DRACHTIO_URL'] } });
    service = await scene.serve();
  });
  after(() => scene.close());

  test('the same whole call, and its limits are said', async () => {
    await wholeCall(scene, service);
    await service.line('out', /NUL octet \(SIP-I needs the built-in server\)/);
  });

  test('calls one after the other, hung up by either side', async () => {
    const terminal = await scene.terminal('shop1', 'several');
    for (const phone of ['caller', 'final', 'caller'] as const) {
      const id = await scene.connect(terminal);
      scene.phones[phone].hangUp();
      assert.equal((await scene.closedRecord({ id })).end?.reason, 'completed');
      await scene.stage.quiet(10_000);
    }
    terminal.client.disconnect();
  });

  test('the caller gives up while the terminals are asked', async () => {
    const terminal = await scene.terminal('shop1', 'asked');
    scene.phones.caller.call(numbers.first);
    const { id } = await terminal.incoming();
    scene.phones.caller.hangUp();
    assert.equal((await terminal.ended()).id, id);
    assert.equal((await scene.closedRecord({ id })).end?.reason, 'caller-hung-up');
    await scene.stage.quiet(10_000);
    terminal.client.disconnect();
  });
});
