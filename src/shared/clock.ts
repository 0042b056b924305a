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

/** The machine's own clock. Its timers do not keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, action) {
    const handle = setTimeout(action, milliseconds);
    handle.unref();
    return { clear: () => clearTimeout(handle) };
  },
};
