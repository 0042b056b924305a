import type { Call, Refused } from './call.ts';

/**
 * Refuses what is no call for us: an INVITE that cannot be read (with the status of its rule), our own call that comes
 * back, or one too many.
 */
export function admit(call: Call): Refused | undefined {
  const { reading, ownLeg } = call.incoming;
  const { standing, settings } = call.tools;
  if (!reading.ok) {
    // What should be dropped without an answer is answered once it came as far as here: its transaction waits for that.
    const { status, why } = reading.error;
    return { reason: 'rejected', status: status === 0 ? 400 : status, why };
  }
  if (ownLeg) {
    // Quietly, as where nobody is logged in: the phone that we are calling rings on, and nobody is told again.
    const why = `this service is making that call itself (known by its ${ownLeg})`;
    return { reason: 'rejected', status: settings.whenNoTerminal, why };
  }
  if (standing() > settings.maxCalls) {
    return { reason: 'rejected', status: 503, why: `${settings.maxCalls} calls stand already (calls.maxCalls)` };
  }
  return undefined;
}
