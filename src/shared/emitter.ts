type Listener<Payload extends readonly unknown[]> = (...payload: Payload) => void;

/**
 * Events with types at both ends: `Events` maps each event's name to the tuple of its arguments.
 * A listener that throws never stops the others nor the emitter: its error goes to `onListenerError`.
 */
export class Emitter<Events extends Record<keyof Events, readonly unknown[]>> {
  /** Lists are replaced, never altered: a listener that comes or goes while an event is told does not disturb it. */
  readonly #listeners = new Map<keyof Events, readonly Listener<never>[]>();
  readonly #onListenerError: (error: unknown, event: keyof Events) => void;

  constructor(onListenerError: (error: unknown, event: keyof Events) => void) {
    this.#onListenerError = onListenerError;
  }

  /** Calls `listener` at each `event`; the function returned takes it off again. */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): () => void {
    const others = this.#listeners.get(event) ?? [];
    if (!others.includes(listener)) this.#listeners.set(event, [...others, listener]);
    return () => {
      const left = this.#listeners.get(event) ?? [];
      this.#listeners.set(
        event,
        left.filter((other) => other !== listener),
      );
    };
  }

  emit<E extends keyof Events>(event: E, ...payload: Events[E]): void {
    const listeners = this.#listeners.get(event);
    if (!listeners) return;
    for (const listener of listeners) {
      try {
        (listener as Listener<Events[E]>)(...payload);
      } catch (error) {
        this.#onListenerError(error, event);
      }
    }
  }

  listenerCount(event: keyof Events): number {
    return this.#listeners.get(event)?.length ?? 0;
  }
}
