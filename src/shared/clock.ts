/** A timer that was set and may be cleared; clearing twice, or after it fired, does nothing. */
export interface Timer {
  clear(): void;
}

/** All time that the product knows comes from here, so that tests can play hours in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970 (UTC); may jump when the machine's time is set. For records. */
  now(): number;
  /** Milliseconds that only ever grow, with fractions. For measuring. */
  monotonic(): number;
  /** Runs `action` once after `milliseconds` (0 or more). An exception of `action` is the caller's fault. */
  after(milliseconds: number, action: () => void): Timer;
}

/**
 * The machine's own clock. Its timers do not keep the process alive by themselves. A timer that is due fires after what came
 * meanwhile has been read: when the process stood still for a second (a loaded machine, a paused one), an answer that is there
 * in time must not be taken for missing, and nothing is sent again that was answered.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, action) {
    let due: NodeJS.Immediate | undefined;
    const handle = setTimeout(() => {
      due = setImmediate(action); // Node reads its sockets between timers and immediates
    }, milliseconds);
    handle.unref();
    return {
      clear() {
        clearTimeout(handle);
        clearImmediate(due);
      },
    };
  },
};
