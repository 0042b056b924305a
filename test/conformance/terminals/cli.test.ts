import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { waitingCall } from '../../support/fake-calls.ts';
import { soon, TerminalService } from '../../support/terminal-service.ts';

const ringaway = new URL('../../../src/cli/ringaway.ts', import.meta.url).pathname;
let service: TerminalService;
let shells: Shell[] = [];

beforeEach(async () => {
  service = await TerminalService.start();
  await service.addSubscriber('shop1', 'right horse', { pin: '4711', proof: 'pin' });
});
afterEach(async () => {
  for (const shell of shells) shell.kill();
  shells = [];
  await service.stop();
});

/** `ringaway terminal` as a process: its lines, and its end. */
class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly ended: Promise<number | null>;
  errors = '';

  constructor(...options: string[]) {
    this.#child = spawn(process.execPath, [ringaway, 'terminal', '--server', service.url, ...options]);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    shells.push(this);
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The first line that matches, past or to come. */
  async line(pattern: RegExp): Promise<string> {
    const search = async (): Promise<string> => {
      for (;;) {
        const found = this.#lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    };
    return soon(`a line like ${String(pattern)} (so far: ${this.#lines.join(' | ')} ${this.errors})`, search());
  }

  exit(): Promise<number | null> {
    return soon('the end of the process', this.ended);
  }
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('ringaway terminal', () => {
  test('for people: a call comes, the PIN is asked for, progress is shown, q logs out', async () => {
    const shell = new Shell('--account', 'shop1', '--password-stdin', '--id', 'cli', '--name', 'Shell');
    shell.type('right horse');
    await shell.line(/logged in as shop1 \(\+8675520000001\)/);
    const { port } = service.terminals;
    assert.deepEqual(port.present('shop1'), [{ terminalId: 'cli', name: 'Shell' }]);

    const received = new Promise<string>((resolve) => port.incoming('shop1', waitingCall('c1'), resolve));
    assert.equal(await soon('the receipt', received), 'cli');
    await shell.line(/#1 call from \+8613800138000 to \+8675520000001: type a number within \d+ s/);

    shell.type('0755 2000 0009');
    await shell.line(/#1 The account demands its PIN/);
    shell.type('4711');
    const asked = await soon(
      'the transfer',
      service.calls.once(({ what }) => what === 'transfer'),
    );
    assert.ok(asked.what === 'transfer');
    const { key, ...instruction } = asked.instruction;
    assert.deepEqual(instruction, {
      callId: 'c1',
      terminalId: 'cli',
      to: ['0755 2000 0009'],
      order: 'together',
      mode: 'auto',
      attended: false,
    });
    assert.ok(key);

    const target = { to: '+8675520000009', by: 'cli', mode: 'bridge', attempt: 1 } as const;
    port.changed('shop1', waitingCall('c1', { state: 'ringing', target: { ...target, state: 'ringing' } }));
    await shell.line(/#1 \+8675520000009 rings/);
    port.changed('shop1', waitingCall('c1', { state: 'connected', target: { ...target, state: 'connected' } }));
    await shell.line(/#1 connected with \+8675520000009/);
    shell.type('hold');
    await soon(
      'the hold',
      service.calls.once(({ what }) => what === 'hold'),
    );
    shell.type('what is this');
    await shell.line(/"what is this" is no number and no command/);
    shell.type('k 12#');
    await soon(
      'the digits',
      service.calls.once((one) => one.what === 'digits' && one.digits === '12#'),
    );
    await shell.line(/#1 digits sent/);
    shell.type('a 0755 2000 0030, 139 0013 9000 pin=4711');
    const moved = await soon(
      'the move',
      service.calls.once((one) => one.what === 'transfer' && one.instruction.attended),
    );
    assert.ok(moved.what === 'transfer');
    assert.deepEqual(moved.instruction.to, ['0755 2000 0030', '139 0013 9000']);
    assert.equal(moved.instruction.order, 'together');
    const connected = { ...target, state: 'connected' } as const;
    const move = { ...target, to: '+8675520000030', attempt: 2, attended: true, state: 'connected' } as const;
    port.changed('shop1', waitingCall('c1', { state: 'moving', target: connected, move }));
    await shell.line(/#1 \+8675520000009 talks to \+8675520000030, and the caller hears music/);
    shell.type('c');
    await soon(
      'the completion',
      service.calls.once(({ what }) => what === 'complete'),
    );
    const end = { reason: 'completed', at: '2026-01-01T00:02:00.000Z' } as const;
    port.ended('shop1', waitingCall('c1', { state: 'ended', end }));
    await shell.line(/#1 the call is over/);

    shell.type('q');
    assert.equal(await shell.exit(), 0);
    const [login] = await service.store.logins.of('shop1');
    assert.ok(login?.loggedOutAt !== undefined);
    assert.equal(shell.errors, '');
  });

  test('for programs: JSON lines, transfer at once, end with the first call', async () => {
    await service.addSubscriber('free', 'right horse', { numbers: [{ number: '+8675520000002' }] });
    const shell = new Shell(
      '--account',
      'free',
      '--password-stdin',
      '--json',
      '--once',
      '--auto-transfer',
      '13800138000 > 13900139000',
    );
    shell.type('right horse');
    const session: unknown = JSON.parse(await shell.line(/"event":"session"/));
    assert.ok(!JSON.stringify(session).includes('token'), 'the token stays secret');
    service.terminals.port.incoming('free', waitingCall('c1'), () => undefined);
    const asked = await soon(
      'the transfer',
      service.calls.once(({ what }) => what === 'transfer'),
    );
    assert.ok(asked.what === 'transfer' && asked.instruction.to.join() === '13800138000,13900139000');
    assert.deepEqual(JSON.parse(await shell.line(/"event":"answer"/)), {
      event: 'answer',
      request: 'call:transfer',
      callId: 'c1',
      answer: { ok: true },
    });
    const ended = waitingCall('c1', { state: 'ended', end: { reason: 'completed', at: '2026-01-01T00:02:00.000Z' } });
    service.terminals.port.ended('free', ended);
    assert.deepEqual(JSON.parse(await shell.line(/"event":"call:ended"/)), { event: 'call:ended', call: ended });
    assert.equal(await shell.exit(), 0);
  });

  test('a refused login is one clear line and exit code 2', async () => {
    const shell = new Shell('--account', 'shop1', '--password-stdin');
    shell.type('wrong horse');
    assert.equal(await shell.exit(), 2);
    assert.equal(shell.errors, 'ringaway: The account or the password is wrong. Check both and log in again.\n');
  });

  test('the token file keeps the login over restarts, for its owner only', async (t) => {
    const file = join(tmpdir(), `ringaway-token-${randomUUID()}`);
    t.after(() => rm(file, { force: true }));
    const first = new Shell('--account', 'shop1', '--password-stdin', '--token-file', file);
    first.type('right horse');
    await first.line(/logged in as shop1/);
    first.type('q');
    assert.equal(await first.exit(), 0);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const [before] = service.terminals.port.present('shop1');
    assert.equal(before, undefined);

    const second = new Shell('--token-file', file);
    await second.line(/logged in as shop1/);
    assert.equal((await service.store.logins.of('shop1')).length, 1, 'it is the same terminal');
    second.type('logout');
    assert.equal(await second.exit(), 0);

    const third = new Shell('--token-file', file);
    assert.equal(await third.exit(), 2);
    assert.match(third.errors, /^ringaway: The terminal was logged out\. Log in with the password\.\n$/);
    assert.match(await readFile(file, 'utf8'), /"token"/);
  });

  test('a replaced terminal says so and ends', async () => {
    const shell = new Shell('--account', 'shop1', '--password-stdin', '--id', 'same');
    shell.type('right horse');
    await shell.line(/logged in as shop1/);
    await service.connect('shop1', 'right horse', { id: 'same' });
    assert.equal(await shell.exit(), 2);
    assert.match(shell.errors, /took over/);
  });

  test('a broken connection is taken up again with the token', async () => {
    const shell = new Shell('--account', 'shop1', '--password-stdin', '--id', 'cli', '--json');
    shell.type('right horse');
    await shell.line(/"event":"session"/);
    const again = soon(
      'its return',
      service.calls.once(() => service.calls.asked.length === 2),
    );
    service.cutConnections();
    await shell.line(/"event":"disconnected"/);
    await again;
    assert.equal(service.terminals.counters().logins.ok, 2);
  });
});
