import { messageOf } from '../../shared/errors.ts';
import type { Attempt, Call } from '../call.ts';
import type { AcceptedInstruction } from '../machine.ts';
import type { Cause } from '../ports.ts';

/** Connects by the caller's network before anything was answered: 302, and we are out of it. */
export class Redirect implements Attempt {
  readonly #call: Call;
  readonly #number: number;
  #over = false;

  constructor(call: Call, number: number) {
    this.#call = call;
    this.#number = number;
  }

  start({ to }: AcceptedInstruction): void {
    const { incoming, record, tools, happened, log } = this.#call;
    const { reading } = incoming;
    if (!reading.ok) return;
    const attempt = this.#number;
    const now = () => tools.clock.now();
    incoming.leg.redirect({ to, reading: reading.reading, firstCalled: record.firstCalled ?? '' }).then(
      () => {
        if (!this.#over) happened({ is: 'transferred', attempt, now: now() });
      },
      (error: unknown) => {
        if (this.#over) return;
        log.warn({ attempt }, `the caller could not be redirected: ${messageOf(error)}`);
        happened({ is: 'handed-back', attempt, failure: { reason: 'failed' }, now: now() });
      },
    );
  }

  stop(_cause: Cause): Promise<void> {
    this.#over = true;
    return Promise.resolve();
  }
}
