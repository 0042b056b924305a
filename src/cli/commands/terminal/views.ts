// The two views that need no tty: JSON lines for programs, and lines with a time for people.
import type { Clock } from '../../../shared/clock.ts';
import type { View } from './happenings.ts';
import { inWords } from './words.ts';

type Write = (text: string) => void;

/** One JSON object a line for each happening. */
export function jsonView(write: Write): View {
  return {
    tell: (happening) => write(`${JSON.stringify(happening)}\n`),
    show: () => undefined,
    close: () => undefined,
  };
}

/** One line for each happening that a person wants to read of. */
export function linesView(write: Write, clock: Clock): View {
  return {
    tell(happening, number) {
      const line = inWords(happening, number, clock.now());
      if (line !== undefined) write(`${wallClock(clock.now())}  ${line}\n`);
    },
    show: () => undefined,
    close: () => undefined,
  };
}

/** `10:02:05`, where the machine is. */
export function wallClock(now: number): string {
  const time = new Date(now);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
