import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { Failure } from '../../shared/errors.ts';
import { createLogger } from '../../shared/log.ts';
import type { Call } from '../../terminals/events.ts';
import { act } from '../context.ts';

const help = `
It starts the service with its built-in SIP server and an embedded store on free ports of 127.0.0.1, adds a subscriber,
plays the operator's network with simultaneous ringing, a caller with a voice, the first phone and the final phone, and
logs a terminal in. Nothing is left behind. Exit code 0 only if the call was connected, each side heard the other, the
first phone stopped ringing, and the record is right.

Examples:
  ringaway simulate
  ringaway simulate --interactive
  ringaway simulate --rtpengine udp://127.0.0.1:2223
  ringaway simulate --json`;

interface SimulateOptions {
  interactive?: boolean;
  rtpengine?: string[];
  verbose?: boolean;
}

/** `ringaway simulate`: the main job without a trunk. */
export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .summary('play a whole call on this machine, with network, phones and voices')
    .description(
      'Play a whole call on this machine: the network, the phones, their voices, the service and a terminal.',
    )
    .option('-i, --interactive', 'let me choose the final number')
    .option('--rtpengine <address...>', 'send the voice through these rtpengines, such as udp://127.0.0.1:2223')
    .option('-v, --verbose', 'show the log of the service too')
    .addHelpText('after', help)
    .action(
      act(async (context, options: SimulateOptions) => {
        const { playDemo } = await import('../../simulate/demo.ts');
        const say = (line: string) => {
          if (!context.json) process.stdout.write(`${line}\n`);
        };
        process.exitCode = 1; // until all of it was seen
        const person = options.interactive ? new Person() : undefined;
        const { checks, record } = await playDemo({
          clock: context.clock,
          log: createLogger(options.verbose ? 'info' : 'silent', !context.json && process.stdout.isTTY),
          say,
          ...(person && { ask: (call: Call) => person.ask(call) }),
          ...(options.rtpengine && { engines: options.rtpengine }),
        }).finally(() => person?.leave());
        const failed = checks.filter((check) => !check.ok);
        context.print({ checks, record }, () =>
          failed.length === 0 ? '\nAll of it was seen.' : `\n${failed.length} of ${checks.length} checks failed.`,
        );
        process.exitCode = failed.length === 0 ? 0 : 1;
      }),
    );
}

/** Asks on standard input, a line an answer; the same for a person and for a pipe. */
class Person {
  readonly #input = createInterface({ input: process.stdin });
  readonly #lines = this.#input[Symbol.asyncIterator]();

  /** @throws when standard input has ended */
  async ask(call: Call): Promise<string> {
    const asked = `\n  Which number shall ${call.caller ?? 'the caller'} be connected with? (any; ...0007 is busy) `;
    for (;;) {
      process.stdout.write(asked);
      const { done, value } = await this.#lines.next();
      if (done === true) throw new Failure('bad-input', 'standard input has ended, and no number was chosen');
      if (value.trim() !== '') return value.trim();
    }
  }

  leave(): void {
    this.#input.close();
  }
}
