// Where a terminal's lines come from: a tty, key by key, or a pipe, line by line.
import { createInterface, emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';

export interface Input {
  /** Called with each line; before that, lines wait. */
  onLine(listener: (line: string) => void): void;
  /** The first line that has not been taken yet; undefined when there is none any more. */
  nextLine(): Promise<string | undefined>;
  close(): void;
}

/** Lines of a pipe or file. Its end is no reason to stop: calls may still come. */
export function pipedInput(stream: NodeJS.ReadableStream): Input {
  const waiting: string[] = [];
  let listener: ((line: string) => void) | undefined;
  let wanted: ((line: string | undefined) => void) | undefined;
  let ended = false;
  const reader = createInterface({ input: stream, crlfDelay: Infinity });
  reader.on('line', (line) => {
    if (wanted) {
      wanted(line);
      wanted = undefined;
    } else if (listener) listener(line);
    else waiting.push(line);
  });
  reader.on('close', () => {
    ended = true;
    wanted?.(undefined);
  });
  return {
    onLine(next) {
      listener = next;
      for (const line of waiting.splice(0)) next(line);
    },
    nextLine() {
      const line = waiting.shift();
      if (line !== undefined || ended) return Promise.resolve(line);
      return new Promise((resolve) => (wanted = resolve));
    },
    close: () => reader.close(),
  };
}

/** Keys of a tty in raw mode. `typing` gets the line as it grows, `interrupted` Ctrl-C and Ctrl-D. */
export function keyInput(tty: ReadStream, hooks: { typing: (text: string) => void; interrupted: () => void }): Input {
  let typed: string[] = [];
  let listener: ((line: string) => void) | undefined;
  let wanted: ((line: string | undefined) => void) | undefined;
  const enter = (line: string): void => {
    const taker = wanted ?? listener;
    wanted = undefined;
    taker?.(line);
  };
  const pressed = (character: string | undefined, key: { name?: string; ctrl?: boolean; meta?: boolean }): void => {
    if (key.ctrl && (key.name === 'c' || key.name === 'd')) {
      wanted?.(undefined);
      hooks.interrupted();
      return;
    }
    if (key.name === 'return' || key.name === 'enter') {
      const line = typed.join('');
      typed = [];
      hooks.typing('');
      enter(line);
      return;
    }
    if (key.name === 'backspace') typed.pop();
    else if (key.ctrl && key.name === 'u') typed = [];
    else if (!key.ctrl && !key.meta && character !== undefined && /^\P{Cc}+$/u.test(character)) typed.push(character);
    hooks.typing(typed.join(''));
  };
  emitKeypressEvents(tty);
  tty.setRawMode(true);
  tty.on('keypress', pressed);
  tty.resume();
  return {
    onLine: (next) => (listener = next),
    nextLine: () => new Promise((resolve) => (wanted = resolve)),
    close() {
      tty.off('keypress', pressed);
      tty.setRawMode(false);
      tty.pause();
    },
  };
}
