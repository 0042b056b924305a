import type { MongoClient, ServerHeartbeatStartedEvent } from 'mongodb';
import type { Clock, Timer } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';

/** Milliseconds without any answer, above what the driver itself waits for one; and what a server may take that is asked for changes. */
const stuckAfter = 6_000;
const awaitedFor = 10_000;
/** Milliseconds until it is tried again when no server was found. */
const pause = 1_000;
/** Milliseconds that the driver may take over closing and over connecting: what is stuck in it may hold these up, too. */
const renewWithin = 40_000;

type Watched = Pick<MongoClient, 'on' | 'close' | 'connect'>;

/**
 * Makes the connections anew when the driver waits for ever whether a server is there, and so would never find one again. In 7.9 that
 * happens when it asks over a connection which the server is ending at that moment: what is written then waits for a 'drain' that
 * never comes, and no timeout of the socket ends that. (Operations are given up by the gate.) Returns the end of watching.
 */
export function renewWhenStuck(client: Watched, clock: Clock, log: Logger): () => void {
  const asked = new Map<string, Timer>();
  let ended = false;
  let renewing = false;

  const forget = (server: string): void => {
    asked.get(server)?.clear();
    asked.delete(server);
  };
  const renew = async (): Promise<void> => {
    for (const server of [...asked.keys()]) forget(server);
    if (renewing || ended) return;
    renewing = true;
    log.warn('whether MongoDB is there gets no answer at all: the connections are made anew');
    try {
      await withDeadline(clock, renewWithin, 'closing the connections', client.close());
      if (!isEnded()) await withDeadline(clock, renewWithin, 'connecting', client.connect());
      if (isEnded()) await withDeadline(clock, renewWithin, 'closing the connections', client.close());
    } catch (error) {
      log.warn(`MongoDB is not there: ${messageOf(error)}`);
      clock.after(pause, () => void renew());
    } finally {
      renewing = false;
    }
  };
  const isEnded = () => ended;

  client.on('serverHeartbeatStarted', ({ connectionId, awaited }: ServerHeartbeatStartedEvent) => {
    forget(connectionId);
    if (ended) return;
    asked.set(
      connectionId,
      clock.after(stuckAfter + (awaited ? awaitedFor : 0), () => void renew()),
    );
  });
  client.on('serverHeartbeatSucceeded', ({ connectionId }) => forget(connectionId));
  client.on('serverHeartbeatFailed', ({ connectionId }) => forget(connectionId));
  client.on('serverClosed', ({ address }) => forget(address));
  return () => {
    ended = true;
    for (const server of [...asked.keys()]) forget(server);
  };
}
