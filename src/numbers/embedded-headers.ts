import { unescape } from './uri-user.ts';

/** Headers embedded in a URI (`?Reason=…&Privacy=…`, RFC 3261 19.1.1), unescaped. Values stay in memory, they are never written. */
export class EmbeddedHeaders {
  readonly #values: { readonly name: string; readonly value: string }[] = [];

  constructor(headers: string | undefined) {
    if (headers === undefined) return;
    for (const field of headers.split('&')) {
      const equals = field.indexOf('=');
      const name = unescape(equals < 0 ? field : field.slice(0, equals));
      const value = unescape(equals < 0 ? '' : field.slice(equals + 1));
      if (name !== undefined && value !== undefined) this.#values.push({ name: name.trim().toLowerCase(), value });
    }
  }

  /** All values of that name (lower case), in order. */
  all(name: string): string[] {
    return this.#values.filter((field) => field.name === name).map((field) => field.value);
  }
}
