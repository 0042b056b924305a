import type { Call, Refused } from './call.ts';

/** Refuses what is no call for us: an INVITE that cannot be read (with the status of its rule), or one too many. */
export function admit(call: Call): Refused | undefined {
  const { reading } = call.incoming;
  const { standing, settings } = call.tools;
  if (!reading.ok) return { reason: 'rejected', status: reading.error.status, why: reading.error.why };
  if (standing() > settings.maxCalls) {
    return { reason: 'rejected', status: 503, why: `${settings.maxCalls} calls stand already (calls.maxCalls)` };
  }
  return undefined;
}
