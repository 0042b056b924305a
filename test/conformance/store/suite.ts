import { lifetimeConforms } from './lifetime.ts';
import { loginsConform } from './logins.ts';
import type { NewPlace } from './place.ts';
import { recordsConform } from './records.ts';
import { subscribersConform } from './subscribers.ts';
import { watchConforms } from './watch.ts';

/** What every implementation of the port `Store` does. */
export function storeConforms(newPlace: NewPlace): void {
  subscribersConform(newPlace);
  watchConforms(newPlace);
  loginsConform(newPlace);
  recordsConform(newPlace);
  lifetimeConforms(newPlace);
}
