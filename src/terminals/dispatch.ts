import type { Clock } from '../shared/clock.ts';
import { DeadlineExceeded, withDeadline } from '../shared/deadline.ts';
import { Failure } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { countAnswer } from './counters.ts';
import type { TerminalCounters } from './counters.ts';
import { EventBudget } from './event-budget.ts';
import type { Answer, RequestName } from './events.ts';
import { refused } from './requests.ts';
import type { RequestHandler } from './requests.ts';
import type { Session } from './sessions.ts';

export interface DispatchParts {
  clock: Clock;
  log: Logger;
  counters: TerminalCounters;
  handlers: ReadonlyMap<string, { name: RequestName; handle: RequestHandler }>;
}

const eventsPerSecond = 10;
const eventsAtOnce = 50;
/** Refused events after which a connection is no app that made a mistake, but a flood. */
const flood = 500;
const answerWithin = 30_000;

/**
 * Takes every event of a session: answers it, whatever it is, and lets nothing of it reach another session or end the
 * process. Instead of one listener for each event it stands where Socket.IO hands over all of them, so that unknown
 * events get an answer as well, and none is taken for an event of Node's emitter.
 */
export function dispatcher(parts: DispatchParts): (session: Session) => void {
  const { clock, log, counters, handlers } = parts;

  return (session) => {
    const budget = new EventBudget(clock, eventsPerSecond, eventsAtOnce);

    session.socket.use((event: readonly unknown[]) => {
      const [name, ...rest] = event;
      const acknowledge = rest.at(-1);
      if (!isFunction(acknowledge)) {
        counters.unacknowledgeable++;
        if (!budget.take()) flooded();
        return;
      }
      const known = typeof name === 'string' ? handlers.get(name) : undefined;
      const answer = (given: Answer): void => {
        countAnswer(counters, known?.name ?? 'unknown', given.ok ? 'ok' : given.error.code);
        acknowledge(given);
        if (known?.name === 'session:logout' && given.ok) session.end('logged-out');
      };
      if (!budget.take()) {
        flooded();
        answer(refused('unavailable', 'Too many requests at once. Wait a second and try again.', 1));
        return;
      }
      if (!known) {
        answer(refused('malformed', 'There is no such request in version 1 of the protocol.'));
        return;
      }
      if (rest.length > 2) {
        answer(refused('malformed', 'A request has one payload and an acknowledgement, nothing more.'));
        return;
      }
      session.active();
      const payload = rest.length === 2 ? rest[0] : {};
      handle(known.handle, session, payload).then(answer, (error: unknown) => {
        const { account, terminalId } = session;
        log.error({ err: error, account, terminalId, request: known.name }, 'a request failed');
        if (isPassing(error)) {
          answer(refused('unavailable', 'The service could not do this just now. Try again in a few seconds.', 5));
          return;
        }
        counters.faults++;
        answer(refused('internal', 'The service could not do this through a fault of its own. Try again.'));
      });
    });

    function flooded(): void {
      counters.flooded++;
      if (budget.refused < flood) return;
      log.warn(
        { account: session.account, terminalId: session.terminalId },
        'a terminal floods the service: disconnected',
      );
      session.end('flooding');
    }
  };

  async function handle(handler: RequestHandler, session: Session, payload: unknown): Promise<Answer> {
    const { account, terminalId, ip } = session;
    return withDeadline(clock, answerWithin, 'the request', handler({ account, terminalId, ip }, payload));
  }
}

/** Whether it is a matter of time: the store is away or slow. */
function isPassing(error: unknown): boolean {
  return error instanceof DeadlineExceeded || (error instanceof Failure && error.again);
}

function isFunction(value: unknown): value is (answer: Answer) => void {
  return typeof value === 'function';
}
