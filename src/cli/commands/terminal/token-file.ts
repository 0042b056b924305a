import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure, messageOf } from '../../../shared/errors.ts';

const content = z.object({ account: z.string(), terminalId: z.string(), token: z.string(), expiresAt: z.string() });

/** What the terminal keeps of its login, so that the next start needs no password. */
export type KeptLogin = z.infer<typeof content>;

/** The kept login; undefined when there is no such file. @throws Failure `bad-input` when it is something else */
export async function readTokenFile(file: string): Promise<KeptLogin | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Failure('bad-input', `--token-file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    return content.parse(JSON.parse(text));
  } catch (error) {
    throw new Failure('bad-input', `--token-file ${file} was not written by this command; remove it or name another`, {
      cause: error,
    });
  }
}

/** Keeps a login: whole or not at all, readable by its owner only. @throws Failure `bad-input` */
export async function writeTokenFile(file: string, login: KeptLogin): Promise<void> {
  try {
    await writeFile(`${file}.new`, `${JSON.stringify(login)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  } catch (error) {
    throw new Failure('bad-input', `--token-file ${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
