import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CallRecord } from '../call/record.ts';
import { loadSettings } from '../config.ts';
import { startRingaway } from '../main.ts';
import type { Clock } from '../shared/clock.ts';
import { withDeadline } from '../shared/deadline.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { hashSecret } from '../shared/secret.ts';
import { openStore } from '../store/open.ts';
import { TerminalClient } from '../terminals/client.ts';
import type { Answer, Call } from '../terminals/events.ts';
import { cast, numbers, voices } from './cast.ts';
import { judge } from './judge.ts';
import { checkLines, recordLines, type Check } from './report.ts';
import { describeHeard } from './rtp/ear.ts';
import { type WatchedCalls, watchFirstPhone, watchTerminal } from './screen.ts';
import { writeSettings } from './site.ts';
import { Stage } from './stage.ts';

const account = 'shop1';
const password = 'correct horse';
/** No step of the scene takes longer than this, in milliseconds; a person gets `decideWithin`. */
const patience = 15_000;
/** Seconds of the other's voice that each side must hear. */
const talkFor = 1.5;
/** How long the scene's subscriber looks at the screen, in milliseconds. */
const thinkFor = 700;

export interface DemoOptions {
  clock: Clock;
  /** Of the service; the scene itself speaks through `say`. */
  log: Logger;
  say: (line: string) => void;
  /** Asks a person for the final number; absent: the scene decides. */
  ask?: (call: Call) => Promise<string>;
  /** rtpengines (`udp://host:port`) through which the voice goes; none: directly. */
  engines?: readonly string[];
}

/**
 * The main job for somebody who has no trunk: a network, phones with voices, the service, a terminal, one call.
 * Resolves with everything that had to be seen, and whether it was; rejects when the scene could not go on.
 */
export async function playDemo(options: DemoOptions): Promise<{ checks: Check[]; record: CallRecord }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-demo-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    return await play(options, folder, closing);
  } finally {
    for (const close of closing.reverse()) await close().catch((error: unknown) => options.log.warn(messageOf(error)));
  }
}

async function play(
  options: DemoOptions,
  folder: string,
  closing: (() => Promise<unknown>)[],
): Promise<{ checks: Check[]; record: CallRecord }> {
  const { clock, log, say } = options;
  const inTime = <T>(what: string, promise: Promise<T>, milliseconds = patience) =>
    withDeadline(clock, milliseconds, what, promise);
  say('The network, and the phones on it:');
  const stage = await Stage.open({ clock, log });
  closing.push(() => stage.close());
  const phones = await cast(stage);
  const at = () => `${(stage.ladder.elapsed / 1_000).toFixed(3).padStart(7)} s  `;
  for (const [name, phone] of Object.entries(phones)) say(`  ${name.padEnd(12)} ${phone.number}`);

  const { engines = [] } = options;
  const overrides = engines.length > 0 ? { media: { mode: 'rtpengine', engines } } : {};
  const file = await writeSettings(folder, stage.network.address, overrides);
  const settings = loadSettings({ file, environment: {} });
  const service = await startRingaway(settings, { log, clock, unhandledRejections: () => 0 });
  closing.push(async () => {
    await service.drain();
    await service.close();
  });
  const trunk = service.sip.listening[0]?.replace(/^udp:\/\//, '') ?? '';
  stage.nameService(trunk);
  stage.network.ringBeside(numbers.first, { secondCalled: numbers.second, service: trunk });
  say(
    `The service: trunk ${service.sip.listening.join(', ')}, terminals http://${service.http.address}, voice ${describeMedia(options.engines)}`,
  );

  const store = await openStore(settings.store, { log, clock });
  closing.push(() => store.close());
  await store.subscribers.add({
    account,
    ownerName: 'Shop One',
    ownerAddress: 'Shenzhen',
    numbers: [{ number: numbers.first }],
    proof: 'session',
    secrets: { passwordHash: await hashSecret(password) },
  });
  say(`The subscriber: ${account}, whose number is ${numbers.first}`);

  const terminal = new TerminalClient(
    {
      server: `http://${service.http.address}`,
      login: { account, password },
      terminal: { id: 'demo-terminal', name: 'demo', platform: 'cli' },
    },
    (error) => log.error({ err: error }, 'a listener of the terminal failed'),
  );
  closing.push(() => {
    terminal.disconnect();
    return Promise.resolve();
  });
  closing.push(() => {
    phones.caller.hangUp(); // a scene that broke off leaves nobody waiting
    return stage.quiet(patience);
  });
  const session = await inTime('the login of the terminal', terminal.connect());
  stage.ladder.add('terminal', 'ringaway', 'login');
  say(`The terminal: logged in as ${session.account} (${session.ownerName ?? ''})\n`);

  const calls = watchTerminal(terminal, stage, (line) => say(at() + line));
  const firstPhone = watchFirstPhone(phones['first phone'], (line) => say(at() + line));
  phones['final phone'].events.on('ringing', () =>
    say(`${at()}the final phone rings and shows ${phones['final phone'].shows}`),
  );

  say(`${at()}the caller dials ${numbers.first}`);
  phones.caller.call(numbers.first);
  const incoming = await inTime('the notification', calls.incoming);
  await new Promise<void>((resolve) => clock.after(thinkFor, resolve));
  await instructUntilConnected(options, terminal, stage, incoming, calls, at);
  say(`${at()}connected; both sides speak`);

  const [callerHears, finalHears] = await Promise.all([
    phones.caller.rtp.hears(voices.final, talkFor, patience),
    phones['final phone'].rtp.hears(voices.caller, talkFor, patience),
  ]);
  say(`${at()}the caller hears ${describeHeard(callerHears)}; the final phone hears ${describeHeard(finalHears)}`);
  const stopped = await inTime('the end of the ringing at the first phone', firstPhone);
  phones.caller.hangUp();
  say(`${at()}the caller hangs up`);
  const ended = await inTime('the end of the call at the terminal', calls.ended);
  const record = await closedRecord(() => store.records.get(ended.id), clock);
  await stage.quiet(patience);

  say(`\n${stage.ladder.draw().join('\n')}\n\nThe record:\n  ${recordLines(record).join('\n  ')}\n`);
  const checks = judge({
    phones,
    ended,
    record,
    stopped,
    callerHears: describeHeard(callerHears),
    finalHears: describeHeard(finalHears),
  });
  say(checkLines(checks).join('\n'));
  return { checks, record };
}

async function instructUntilConnected(
  { ask, clock, say }: DemoOptions,
  terminal: TerminalClient,
  stage: Stage,
  call: Call,
  calls: WatchedCalls,
  at: () => string,
): Promise<void> {
  for (;;) {
    const to = ask ? await ask(call) : numbers.final;
    const outcome = calls.outcome();
    stage.ladder.add('terminal', 'ringaway', 'transfer');
    const answer: Answer = await terminal.transfer({ callId: call.id, to });
    if (!answer.ok) {
      say(`${at()}the service refuses: ${answer.error.message} (${answer.error.code})`);
      if (!ask || answer.error.code === 'too-late') throw new Error(answer.error.message);
      continue;
    }
    say(`${at()}the terminal instructs: ${to}`);
    const reached = await withDeadline(clock, patience, 'the final phone', outcome);
    if (reached.state === 'connected') return;
    if (!ask || reached.state === 'ended')
      throw new Error(`the call was not connected: ${reached.target?.cause ?? reached.state}`);
  }
}

/** The record is closed a moment after the terminals are told. */
async function closedRecord(get: () => Promise<CallRecord | undefined>, clock: Clock): Promise<CallRecord> {
  const until = clock.monotonic() + patience;
  for (;;) {
    const record = await get();
    if (record?.end) return record;
    if (clock.monotonic() > until) throw new Error('the record of the call was not closed');
    await new Promise<void>((resolve) => clock.after(20, resolve));
  }
}

function describeMedia(engines: readonly string[] | undefined): string {
  return engines && engines.length > 0 ? `through rtpengine (${engines.join(', ')})` : 'directly between the phones';
}
