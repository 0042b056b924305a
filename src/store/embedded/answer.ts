import type { FailureCode } from '../../shared/errors.ts';

/** The store's thread answers each request once, after COMMIT. Request 0 is the opening of the file. */
export type StoreAnswer =
  { id: number; ok: true; value: unknown } | { id: number; ok: false; code: FailureCode; message: string };
