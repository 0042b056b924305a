/** What the trunks have done since the start; for metrics. */
export interface Counters {
  /** New INVITEs from peers. */
  invites: number;
  /** Requests from addresses that are no peers. */
  refusedPeers: number;
  /** New INVITEs that were refused while draining. */
  refusedDraining: number;
  /** Second copies of an INVITE that came over another path (482). */
  merged: number;
  /** Calls of ours that came back to us, and were declined. */
  ownLegs: number;
  cancels: number;
  /** INVITEs that we sent, one for each gateway tried. */
  sentInvites: number;
  failovers: number;
  /** 2xx that came although the call had been taken back: acknowledged and ended. */
  lateAnswers: number;
  /** 200s of ours that nobody acknowledged. */
  unacknowledged: number;
  /** OPTIONS of peers that were answered. */
  options: number;
  /** Requests that belong to no dialog of ours (481). */
  strayRequests: number;
  /** Connections to the SIP server that were lost. */
  lostConnections: number;
  /** Legs that ended with a lost connection, without an ACK, or by 408 and 481. */
  lostLegs: number;
}

export function newCounters(): Counters {
  return {
    invites: 0,
    refusedPeers: 0,
    refusedDraining: 0,
    merged: 0,
    ownLegs: 0,
    cancels: 0,
    sentInvites: 0,
    failovers: 0,
    lateAnswers: 0,
    unacknowledged: 0,
    options: 0,
    strayRequests: 0,
    lostConnections: 0,
    lostLegs: 0,
  };
}
