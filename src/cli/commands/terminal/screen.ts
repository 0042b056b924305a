// The view on a tty: lines of what happened, and below them what stands now, drawn anew each second.
import { stripVTControlCharacters, styleText } from 'node:util';
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { Call } from '../../../terminals/events.ts';
import { hintsFor } from './commands.ts';
import type { Happening, Standing, View } from './happenings.ts';
import { wallClock } from './views.ts';
import { callerOf, inWords, secondsLeft, stateInWords } from './words.ts';

export interface Tty {
  write: (text: string) => void;
  /** Columns and rows it has now. */
  size: () => { columns: number; rows: number };
}

const barLength = 20;

/** The calm screen: log lines scroll away above; calls, time left and the line being typed stay below. */
export class Screen implements View {
  readonly #tty: Tty;
  readonly #clock: Clock;
  #standing: Standing = { connection: 'connecting', account: '', numbers: [], calls: [] };
  #typed = '';
  #drawn = 0;
  #tick: Timer | undefined;

  constructor(tty: Tty, clock: Clock) {
    this.#tty = tty;
    this.#clock = clock;
    this.#everySecond();
  }

  tell(happening: Happening, number: number | undefined): void {
    const now = this.#clock.now();
    const line = inWords(happening, number, now);
    if (line === undefined) return;
    this.#redraw(`  ${styleText('dim', wallClock(now))}  ${coloured(happening, line)}\n`);
  }

  show(standing: Standing): void {
    this.#standing = standing;
    this.#redraw();
  }

  /** What was typed so far of the line. */
  typing(text: string): void {
    this.#typed = text;
    this.#redraw();
  }

  close(): void {
    this.#tick?.clear();
    this.#tick = undefined;
    this.#erase();
  }

  #everySecond(): void {
    this.#tick = this.#clock.after(1_000, () => {
      this.#redraw();
      this.#everySecond();
    });
  }

  #redraw(above = ''): void {
    const { columns, rows } = this.#tty.size();
    const lines = liveLines(this.#standing, this.#typed, this.#clock.now(), columns).slice(-Math.max(3, rows - 2));
    this.#erase();
    this.#drawn = lines.length;
    this.#tty.write(`${above}${lines.join('\n')}`);
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    const up = this.#drawn > 1 ? `\x1b[${this.#drawn - 1}A` : '';
    this.#tty.write(`\r${up}\x1b[J`);
    this.#drawn = 0;
  }
}

/** What stands below the log: no line is longer than `columns`, so that none wraps. */
export function liveLines(standing: Standing, typed: string, now: number, columns: number): string[] {
  const { connection, account, numbers, calls, asks } = standing;
  const rule = styleText('dim', '─'.repeat(Math.max(0, Math.min(columns - 4, 72))));
  const head = `${mark(connection)} ${styleText('bold', account || 'ringaway')}  ${styleText('dim', numbers.join('  '))}`;
  const rows =
    calls.length > 0 ? calls.map(({ number, call }) => callLine(number, call, now)) : [styleText('dim', 'no calls')];
  const secret = asks === undefined ? typed : '•'.repeat(typed.length);
  const prompt = asks === undefined ? '›' : `${asks} ›`;
  return [
    '',
    rule,
    head,
    ...rows,
    styleText('dim', asks === undefined ? hintsFor(calls.map(({ call }) => call.state)) : 'Enter alone = leave it'),
    `${styleText('cyan', prompt)} ${secret}`,
  ].map((line) => cut(`  ${line}`, columns - 1));
}

function mark(connection: Standing['connection']): string {
  if (connection === 'online') return styleText('green', '●');
  return connection === 'offline' ? styleText('red', '○ offline') : styleText('yellow', '○ connecting');
}

function callLine(number: number, call: Call, now: number): string {
  const who = `${styleText('bold', `#${number}`)}  ${styleText('bold', callerOf(call))} → ${call.firstCalled}`;
  if (call.state !== 'waiting') return `${who}  ${styleText('green', stateInWords(call))}`;
  const left = secondsLeft(call, now);
  const whole = Math.max(1, (Date.parse(call.decideBefore) - Date.parse(call.arrivedAt)) / 1000);
  const filled = Math.min(barLength, Math.round((left / whole) * barLength));
  const bar = '━'.repeat(filled) + styleText('dim', '─'.repeat(barLength - filled));
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return `${who}  ${styleText(left > 10 ? 'yellow' : 'red', `${bar} ${time}`)}  ${stateInWords(call)}`;
}

function coloured(happening: Happening, line: string): string {
  switch (happening.event) {
    case 'call:incoming':
      return styleText('yellow', line);
    case 'answer':
    case 'mistake':
    case 'refused':
    case 'session:ended':
      return styleText('red', line);
    case 'call:ended':
      return styleText('dim', line);
    default:
      return line;
  }
}

/** Cuts a line that is too long; its colours are then lost rather than left open. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(0, columns - 1))}…`;
}
