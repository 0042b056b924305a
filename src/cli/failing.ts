import { Failure, messageOf } from '../shared/errors.ts';

/**
 * Says on standard error what failed: each line for a person, or one JSON object for a program. Never a stack.
 * @returns the exit code: 2 for a mistake of the caller, 1 for what may go better another time
 */
export function fail(thrown: unknown, json: boolean): number {
  const known = thrown instanceof Failure;
  const message = known ? thrown.message : `a fault of ringaway itself: ${messageOf(thrown)}; please report it`;
  const error = { code: known ? thrown.code : 'internal', message };
  process.stderr.write(
    json ? `${JSON.stringify({ error })}\n` : message.replaceAll(/^/gm, 'ringaway: ').trimEnd() + '\n',
  );
  return known ? thrown.exit : 1;
}

/** `ringaway … | head`: a reader that went away is no fault, and there is nobody left to write for. */
export function survivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
  }
}
